using System.CommandLine;
using Sync.Cli.Status;
using Sync.Cli.Verify;
using Sync.Client;
using Sync.Contracts;

namespace Sync.Cli.Commands;

/// <summary><c>sync verify</c>.</summary>
internal static class VerifyCommand
{
    private const long ShowEvery = 5000;
    private static readonly TimeSpan PatienceMax = TimeSpan.FromMinutes(10);

    public static Command Build()
    {
        var feed = new Option<int?>("--feed") { Description = "Only this feed (default: all)" };
        var replicas = new Option<string?>("--replicas") { Description = "Also compare with these replica hosts: addresses, separated by commas" };
        var group = new Option<string?>("--group") { Description = "With --replicas: only vaults of this group" };
        var wait = new Option<int>("--wait")
        {
            Description = $"With --replicas: seconds that a replica gets to come level, 0 to {PatienceMax.TotalSeconds:0}",
            DefaultValueFactory = _ => 10,
        };
        var command = new Command(
            "verify",
            """
            Walk the ledger and check every fact: dense positions and sequences, causation, value hashes, the chain.

            Everything is read through the writer and computed again here. The first break of each feed is printed. With
            --replicas the collections that each replica host follows are compared with the writer's, by digest where both
            stand at one position, and each key that differs is named with the reason: refused by a gate, behind, missing,
            extra, another value. The exit code is 0 when everything holds, 1 when not, 3 when a service does not answer.

              sync verify --replicas http://127.0.0.1:5090
            """) { feed, replicas, group, wait };
        command.SetAction((parsed, stop) => Run.GuardAsync(parsed, connection =>
        {
            var seconds = parsed.GetValue(wait);
            if (seconds < 0 || seconds > PatienceMax.TotalSeconds)
                throw new SyncException(SyncErrorCode.Invalid, $"--wait is {seconds}; must be 0..{PatienceMax.TotalSeconds:0} seconds");
            var hosts = parsed.GetValue(replicas) is { } urls ? ServiceAddresses.Split("--replicas", urls) : [];
            if (parsed.GetValue(group) is not null && hosts.Count == 0)
                throw new SyncException(SyncErrorCode.Invalid, "--group goes with --replicas");
            return VerifyAsync(connection, parsed.GetValue(feed), hosts, parsed.GetValue(group), TimeSpan.FromSeconds(seconds), stop);
        }));
        return command;
    }

    private static async Task<int> VerifyAsync(
        Connection connection, int? only, IReadOnlyList<string> hosts, string? group, TimeSpan patience, CancellationToken stop)
    {
        await using var client = new SyncClient(connection.ClientOptions("cli:verify"));
        var status = await client.Writer.StatusAsync(stop);
        if (only is { } asked && status.Feeds.All(feed => feed.Feed != asked))
            return Run.Fail(connection, $"there is no feed {asked}; feeds are 0..{status.Feeds.Count - 1}", ExitCode.BadCall);
        var result = new VerifyResult();
        foreach (var feed in status.Feeds.Where(feed => only is null || feed.Feed == only))
        {
            var walk = new FeedWalk(new FeedId(feed.Feed));
            result.Walks.Add(walk);
            if (await WalkAsync(connection, client, walk, stop) is { } wrong) result.Breaks.Add(wrong);
            else if (walk.Position.Value < feed.Position)
                result.Breaks.Add($"feed {feed.Feed}: the facts end at {walk.Position}, but the feed stands at {feed.Position}");
        }
        var collections = result.Walks.SelectMany(walk => walk.Collections)
            .Where(one => group is null || Names.GroupOf(one.Vault) == group)
            .OrderBy(one => one.Vault, StringComparer.Ordinal).ThenBy(one => one.Collection, StringComparer.Ordinal).ToList();
        using var http = connection.Http();
        var writer = new Holder(http, ServiceNames.Writer, connection.Writer);
        foreach (var url in hosts) await CompareAsync(connection, result, new ReplicaCheck(http, writer, url, patience, TimeProvider.System), url, collections, stop);
        result.Print(connection.Json);
        return !result.IsRight ? ExitCode.Wrong : result.Silent.Count > 0 ? ExitCode.Unreachable : ExitCode.Done;
    }

    // A host that does not answer must not hide what the others say.
    private static async Task CompareAsync(
        Connection connection, VerifyResult result, ReplicaCheck check, string url, List<(string, string)> collections, CancellationToken stop)
    {
        try
        {
            result.Replicas.Add(await check.RunAsync(
                collections, (done, all) => Progress(connection, $"replica host {url}: {done} of {all} collections"), stop));
        }
        catch (SyncException error)
        {
            result.Silent.Add(error.Message);
        }
        Progress(connection, null);
    }

    private static async Task<string?> WalkAsync(Connection connection, SyncClient client, FeedWalk walk, CancellationToken stop)
    {
        await foreach (var fact in client.Writer.FactsAsync(walk.Feed, Position.Start.Next, stop))
        {
            if (walk.Next(fact) is { } wrong) return wrong;
            if (fact.Position.Value % ShowEvery == 0) Progress(connection, $"feed {walk.Feed}: {walk.Position} facts");
        }
        Progress(connection, null);
        return null;
    }

    // Null: done, clear the line.
    private static void Progress(Connection connection, string? text)
    {
        if (!connection.Json && !Console.IsErrorRedirected) Output.Note($"\r{text}\u001b[K");
    }
}
