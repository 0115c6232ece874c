using Sync.Contracts;

namespace Sync.Transport;

/// <summary>First tokens of the subjects, so that several systems share one broker.</summary>
public sealed record SubjectOptions
{
    /// <summary>Longest prefix, in characters.</summary>
    public const int PrefixLengthMax = 64;

    /// <summary>Where envelopes go. Default <c>synced</c>; one or more subject tokens, at most 64 characters.</summary>
    public string SyncedPrefix { get; init; } = "synced";

    /// <summary>Where beats and requests go. Default <c>sync</c>; one or more subject tokens, at most 64 characters.</summary>
    public string SyncPrefix { get; init; } = "sync";

    /// <summary>Refuses what no bus would carry.</summary>
    /// <exception cref="SyncException"><see cref="SyncErrorCode.Invalid"/>, with the option, its value and what is allowed.</exception>
    public void Validate()
    {
        Check(nameof(SyncedPrefix), SyncedPrefix);
        Check(nameof(SyncPrefix), SyncPrefix);
        // One inside the other would let an envelope's subject be read as a request.
        if ((SyncedPrefix + '.').StartsWith(SyncPrefix + '.', StringComparison.Ordinal)
            || (SyncPrefix + '.').StartsWith(SyncedPrefix + '.', StringComparison.Ordinal))
            throw Invalid($"Sync:Subjects:SyncedPrefix '{SyncedPrefix}' and SyncPrefix '{SyncPrefix}' overlap; give two apart");
    }

    private static void Check(string name, string? value)
    {
        if (value is { Length: <= PrefixLengthMax } && SubjectRules.Check(value) is null) return;
        throw Invalid($"Sync:Subjects:{name} is '{value}'; must be 1..{PrefixLengthMax} characters of subject tokens without wildcards");
    }

    private static SyncException Invalid(string message) => new(SyncErrorCode.Invalid, message);
}
