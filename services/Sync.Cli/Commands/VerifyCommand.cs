using System.CommandLine;
using Sync.Cli.Verify;
using Sync.Client;
using Sync.Contracts;

namespace Sync.Cli.Commands;

/// <summary><c>sync verify</c>.</summary>
internal static class VerifyCommand
{
    private const long ShowEvery = 5000;

    public static Command Build()
    {
        var feed = new Option<int?>("--feed") { Description = "Only this feed (default: all)" };
        var command = new Command(
            "verify",
            """
            Walk the ledger and check every fact: dense positions and sequences, causation, value hashes, the chain.

            Everything is read through the writer and computed again here. The first break of each feed is printed; the exit
            code is 0 when there is none.
            """) { feed };
        command.SetAction((parsed, stop) => Run.GuardAsync(parsed, connection => VerifyAsync(connection, parsed.GetValue(feed), stop)));
        return command;
    }

    private static async Task<int> VerifyAsync(Connection connection, int? only, CancellationToken stop)
    {
        await using var client = new SyncClient(connection.ClientOptions("cli:verify"));
        var status = await client.Writer.StatusAsync(stop);
        if (only is { } asked && status.Feeds.All(feed => feed.Feed != asked))
            return Run.Fail(connection, $"there is no feed {asked}; feeds are 0..{status.Feeds.Count - 1}", ExitCode.BadCall);
        var walks = new List<FeedWalk>();
        var breaks = new List<string>();
        foreach (var feed in status.Feeds.Where(feed => only is null || feed.Feed == only))
        {
            var walk = new FeedWalk(new FeedId(feed.Feed));
            walks.Add(walk);
            if (await WalkAsync(connection, client, walk, stop) is { } wrong) breaks.Add(wrong);
            else if (walk.Position.Value < feed.Position)
                breaks.Add($"feed {feed.Feed}: the facts end at {walk.Position}, but the feed stands at {feed.Position}");
        }
        Print(connection, walks, breaks);
        return breaks.Count == 0 ? ExitCode.Done : ExitCode.Wrong;
    }

    private static async Task<string?> WalkAsync(Connection connection, SyncClient client, FeedWalk walk, CancellationToken stop)
    {
        await foreach (var fact in client.Writer.FactsAsync(walk.Feed, Position.Start.Next, stop))
        {
            if (walk.Next(fact) is { } wrong) return wrong;
            if (fact.Position.Value % ShowEvery == 0 && !connection.Json && !Console.IsErrorRedirected)
                Output.Note($"\rfeed {walk.Feed}: {walk.Position} facts");
        }
        if (!connection.Json && !Console.IsErrorRedirected) Output.Note("\r\u001b[K");
        return null;
    }

    private static void Print(Connection connection, List<FeedWalk> walks, List<string> breaks)
    {
        var (facts, keys, live) = (walks.Sum(walk => walk.Position.Value), walks.Sum(walk => (long)walk.Keys), walks.Sum(walk => walk.Live));
        var (vaults, highest) = (walks.SelectMany(walk => walk.Vaults).Distinct(StringComparer.Ordinal).Count(), walks.Max(walk => walk.MaxSequence));
        if (connection.Json)
        {
            Output.Json(json =>
            {
                json.WriteBoolean("ok", breaks.Count == 0);
                json.WriteNumber("facts", facts);
                json.WriteNumber("keys", keys);
                json.WriteNumber("live", live);
                json.WriteNumber("vaults", vaults);
                json.WriteNumber("highestSequence", highest);
                json.WriteStartArray("breaks");
                foreach (var wrong in breaks) json.WriteStringValue(wrong);
                json.WriteEndArray();
            });
            return;
        }
        foreach (var wrong in breaks) Console.WriteLine("BROKEN  " + wrong);
        Console.WriteLine(
            $"{facts} facts in {walks.Count} feeds, {keys} keys ({live} live) in {vaults} vaults, highest sequence {highest}: "
            + (breaks.Count == 0 ? "everything holds" : $"{breaks.Count} feeds are broken"));
    }
}
