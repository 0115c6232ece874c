using Sync.Contracts;
using Sync.Transport;

namespace Sync.Integration.Tests.Infra;

/// <summary>A subject that somebody may try, and the kind of it that rights are about.</summary>
internal sealed record SubjectSample(string Kind, string Subject);

/// <summary>Who may do what on the bus, by intention. The production code makes the subjects, so a new kind of request
/// without a row here fails the tests, and so does a new user.</summary>
internal static class BrokerRights
{
    private const string Synced = "synced";
    private const string Beat = "beat";
    private const string OfTokens = "tokens:";
    private static readonly string[] Reads = ["Get", "GetMany", "History", "Snapshot", "Changes", "Vaults"];
    private static readonly string[] OfOne = [.. Reads.Where(kind => kind != "Vaults"), "Put", "Append"];
    private static readonly string[] OfGroup = ["GetMany", "Snapshot", "Changes", "Vaults"];
    private static readonly string[] Requests = [.. OfOne, "Vaults", "Own"];
    private static readonly string[] TokenRequests =
        [.. OfOne.Select(kind => OfTokens + kind), .. OfGroup.Select(kind => OfTokens + "group:" + kind)];

    private static readonly string[] TokenQuestions =
        [.. TokenRequests.Where(kind => kind is not (OfTokens + "Put" or OfTokens + "Append"))];

    private static readonly Dictionary<string, (string[] Publish, string[] Subscribe)> Rights = new(
        StringComparer.Ordinal)
    {
        ["writer"] = (
            [Synced, OfTokens + Synced, Beat, "Own"],
            [OfTokens + Synced, Beat, .. Requests, .. TokenRequests, "sync.>", "sync.admin.x", "inbox:writer"]),
        ["replica"] = (
            [.. Reads, .. TokenQuestions],
            [Synced, OfTokens + Synced, Beat, "synced.>", "inbox:replica"]),
        ["insight"] = (
            [
                "Snapshot", "Changes", "Vaults", OfTokens + "Snapshot", OfTokens + "Changes",
                .. OfGroup.Where(kind => kind != "GetMany").Select(kind => OfTokens + "group:" + kind),
            ],
            ["inbox:insight"]),
        ["client"] = ([.. Reads, "Put", "Append"], [Synced, Beat, "synced.>", "inbox:client"]),
    };

    public static IReadOnlyCollection<string> Users => Rights.Keys;

    /// <summary>Every kind that the table knows; samples of others are a hole in it.</summary>
    public static IReadOnlySet<string> Kinds { get; } = new HashSet<string>(
        [Synced, Beat, .. Requests, OfTokens + Synced, .. TokenRequests], StringComparer.Ordinal);

    public static bool MayPublish(string user, SubjectSample sample) => Rights[user].Publish.Contains(sample.Kind);

    public static bool MaySubscribe(string user, SubjectSample sample) => Rights[user].Subscribe.Contains(sample.Kind);

    /// <summary>Subjects that carry something in this system.</summary>
    public static IReadOnlyList<SubjectSample> Used { get; } =
    [
        .. OfVault("", "acme"), .. OfVault("", "shop--berlin"), .. OfVault(OfTokens, "_access"),
        new(Beat, Subjects.Default.OfBeat(new FeedId(0))), new(Beat, Subjects.Default.Beats),
    ];

    /// <summary>Subjects that nobody has a claim to, or only who is named.</summary>
    public static IReadOnlyList<SubjectSample> Others { get; } =
    [
        .. new[]
        {
            ">", "*.>", "*.*.*.*.*", "sync.>", "synced.>", "_INBOX.>", "_INBOX.x", "$SYS.>", "$SYS.REQ.SERVER.PING",
            "$JS.API.>", "$JS.API.INFO", "other.subject", "sync.admin.x", "synce.acme._.user.1",
        }.Select(subject => new SubjectSample(subject, subject)),
        .. Rights.Keys.Select(user => new SubjectSample("inbox:" + user, $"_INBOX.{user}.x")),
    ];

    private static IEnumerable<SubjectSample> OfVault(string prefix, string vault)
    {
        var subjects = Subjects.Default;
        var (group, partition) = Names.Split(vault);
        var key = new SyncedKey(vault, prefix.Length > 0 ? "token" : "user", "1");
        yield return new(prefix + Synced, subjects.Of(key));
        yield return new(prefix + Synced, subjects.Of(SyncedPattern.OfCollection(vault, key.Collection)));
        foreach (var kind in Enum.GetValues<RequestKind>())
        {
            foreach (var subject in OfRequest(subjects, kind, key)) yield return new(prefix + kind, subject);
            // A vault outside a group has the same name as the group that it could be.
            var inGroup = prefix.Length > 0 ? prefix + "group:" : partition is null ? null : "";
            if (inGroup is null) continue;
            foreach (var subject in ForGroup(subjects, kind, group, key.Collection))
                yield return new(inGroup + kind, subject);
        }
    }

    private static IEnumerable<string> OfRequest(Subjects subjects, RequestKind kind, SyncedKey key) => kind switch
    {
        RequestKind.Get or RequestKind.Put or RequestKind.History => [subjects.OfRequest(kind, key)],
        RequestKind.Append => [subjects.OfRequest(kind, key.Vault, key.Collection)],
        RequestKind.Snapshot or RequestKind.Changes =>
        [
            subjects.OfRequest(kind, key.Vault, key.Collection),
            subjects.OfScope(kind, SyncedPattern.OfVault(key.Vault)),
        ],
        RequestKind.GetMany => [subjects.OfGetMany(key.Vault)],
        RequestKind.Vaults => [],
        RequestKind.Own => key.Vault.StartsWith('_') ? [] : [subjects.OfOwn(new FeedId(3))],
        _ => throw new InvalidOperationException($"{kind} has no sample here"),
    };

    private static IEnumerable<string> ForGroup(Subjects subjects, RequestKind kind, string group, string name) => kind switch
    {
        RequestKind.Snapshot or RequestKind.Changes =>
        [
            subjects.OfGroupRequest(kind, group, name),
            subjects.OfScope(kind, new SyncedPattern(group, null, null)),
        ],
        RequestKind.GetMany => [subjects.OfGroupGetMany(group)],
        RequestKind.Vaults => [subjects.OfVaults(group)],
        _ => [],
    };
}
