using Sync.Contracts;

namespace Sync.Transport.Internal;

/// <summary>Refuses options out of range in one way: key, value, range, unit.</summary>
internal static class Bounds
{
    public static void Check(string key, long value, long min, long max, string unit)
    {
        if (value >= min && value <= max) return;
        throw new SyncException(SyncErrorCode.Invalid, $"{key} is {value}; must be {min}..{max} {unit}");
    }

    public static void Check(string key, TimeSpan value, TimeSpan min, TimeSpan max)
    {
        if (value >= min && value <= max) return;
        throw new SyncException(SyncErrorCode.Invalid, $"{key} is {value}; must be {min}..{max}");
    }

    public static void CheckPrefix(string key, string? value)
    {
        if (value is { Length: <= 128 } && SubjectRules.Check(value) is null) return;
        throw new SyncException(
            SyncErrorCode.Invalid, $"{key} is '{value}'; must be 1..128 characters of subject tokens without wildcards");
    }
}
