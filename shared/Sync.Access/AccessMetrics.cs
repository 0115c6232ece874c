using System.Diagnostics.Metrics;

namespace Sync.Access;

/// <summary>All figures of meter <c>Sync.Access</c>, named once. Never a token: its label at most.</summary>
internal static class AccessMetrics
{
    private static readonly Meter Meter = new("Sync.Access");

    private static readonly Counter<long> Checks =
        Meter.CreateCounter<long>("sync.access.checks", "{check}", "Checks of tokens by result.");

    private static readonly Counter<long> Purposes =
        Meter.CreateCounter<long>("sync.access.purpose", "{request}", "Requests of tokens that have a purpose, by label and purpose.");

    // Boxed once: a check allocates nothing.
    private static readonly KeyValuePair<string, object?>[] States =
    [
        .. Enum.GetValues<AccessState>().Select(state => new KeyValuePair<string, object?>("result", NameOf(state))),
    ];

    public static void Checked(AccessState state) => Checks.Add(1, States[(int)state]);

    public static void PurposeUsed(string label, string purpose) => Purposes.Add(1, new("token", label), new("purpose", purpose));

    private static string NameOf(AccessState state) => state switch
    {
        AccessState.Granted => "granted",
        AccessState.Missing => "missing",
        AccessState.Malformed => "malformed",
        AccessState.Unknown => "unknown",
        AccessState.Expired => "expired",
        AccessState.Revoked => "revoked",
        AccessState.WrongPurpose => "wrong-purpose",
        _ => "stale",
    };
}
