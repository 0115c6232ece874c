using Sync.Contracts;
using Sync.Hosting;

namespace Sync.ReplicaHost;

/// <summary>Settings of the process: section <c>Sync:ReplicaHost</c>.</summary>
public sealed record ReplicaHostOptions
{
    public const string Section = "Sync:ReplicaHost";

    private const int FollowMax = 64;

    /// <summary>Listening addresses, separated by ';'. Loopback only.</summary>
    public string Urls { get; init; } = "http://127.0.0.1:5090";

    /// <summary>What to follow, 1 to 64 scopes.</summary>
    public IReadOnlyList<FollowOptions> Follow { get; init; } = [];

    /// <summary>Most records of one scope; with one more it stops and says so. 1..100000000.</summary>
    public int RecordsMax { get; init; } = 10_000_000;

    /// <summary>Most refused keys of a scope that are listed; all are counted. 0..100000.</summary>
    public int SkewsListedMax { get; init; } = 1000;

    /// <summary>Most connections at a time; the next are closed. 1..100000.</summary>
    public int ConnectionsMax { get; init; } = 4096;

    /// <summary>Limits and times of streams.</summary>
    public EventStreamOptions Streams { get; init; } = new();

    /// <summary>Changes of a scope that are kept for streams; one that is further behind begins again.
    /// 16..1000000.</summary>
    public int ChangesKept { get; init; } = 65_536;

    /// <summary>How long a request to the writer may take: one that vanished must not hold up a scope for long. 100
    /// ms..5 min.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long requests may go on after the stop signal. 100 ms..1 min.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Host names to answer to, beside loopback.</summary>
    public IReadOnlyList<string> Hosts { get; init; } = [];

    /// <summary>Reads and checks the section and each of its scopes.</summary>
    /// <exception cref="StartupException">Something is wrong.</exception>
    public static ReplicaHostOptions Read(IConfiguration configuration)
    {
        var options = Settings.Read(configuration, Section, new ReplicaHostOptions(), Check);
        return options with
        {
            Follow = [.. configuration.GetSection(Section + ":" + nameof(Follow)).GetChildren().Select(scope =>
                Settings.Read(configuration, scope.Path, new FollowOptions(), FollowOptions.Check))],
            Streams = Settings.Read(configuration, Section + ":" + nameof(Streams), new EventStreamOptions(),
                (streams, checks) => streams.Check(checks)),
        };
    }

    private static void Check(ReplicaHostOptions options, SettingChecks checks)
    {
        checks.Required(nameof(Urls), options.Urls, "a listening address like http://127.0.0.1:5090");
        checks.Range(nameof(RecordsMax), options.RecordsMax, 1, 100_000_000, "records");
        checks.Range(nameof(SkewsListedMax), options.SkewsListedMax, 0, 100_000, "keys");
        checks.Range(nameof(ConnectionsMax), options.ConnectionsMax, 1, 100_000, "connections");
        checks.Range(nameof(ChangesKept), options.ChangesKept, 16, 1_000_000, "changes");
        checks.Range(nameof(RequestTimeout), options.RequestTimeout, TimeSpan.FromMilliseconds(100),
            TimeSpan.FromMinutes(5));
        checks.Range(nameof(StopTimeout), options.StopTimeout, TimeSpan.FromMilliseconds(100),
            TimeSpan.FromMinutes(1));
        CheckFollow(options.Follow, checks);
    }

    private static void CheckFollow(IReadOnlyList<FollowOptions> follow, SettingChecks checks)
    {
        if (follow.Count is < 1 or > FollowMax)
            checks.Add(nameof(Follow),
                $"names {follow.Count} scopes; give 1..{FollowMax}, like {Section}:Follow:0:Group and :Collection");
        for (var index = 0; index < follow.Count; index++)
            for (var other = 0; other < follow.Count; other++)
                if (other != index && Scopes.Covers(follow[other].Scope, follow[index].Scope)
                    && (other < index || follow[other].Scope != follow[index].Scope))
                    checks.Add($"{nameof(Follow)}:{index}",
                        $"is {follow[index].Scope}, which {nameof(Follow)}:{other} follows already; remove it");
    }
}

/// <summary>One scope: a collection of a vault, a vault, a collection across a group, or a group.</summary>
public sealed record FollowOptions
{
    /// <summary>The group; not with <see cref="Vault"/>.</summary>
    public string? Group { get; init; }

    /// <summary>The vault; not with <see cref="Group"/>.</summary>
    public string? Vault { get; init; }

    /// <summary>The collection; null = all.</summary>
    public string? Collection { get; init; }

    internal SyncedPattern Scope => new(Group, Vault, Collection);

    internal static void Check(FollowOptions options, SettingChecks checks)
    {
        if (options.Group is null == options.Vault is null)
            checks.Add(
                $"{checks.Section} gives {(options.Group is null ? "neither" : "both")} of Group and Vault; give one");
        if (Scopes.Check(options.Scope) is { } wrong) checks.Add($"{checks.Section} is {options.Scope}: {wrong}");
    }
}
