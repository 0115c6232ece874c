using System.CommandLine;
using Sync.Cli.Watch;
using Sync.Client;
using Sync.Contracts;
using Sync.MessagePack;
using Sync.Replication;

namespace Sync.Cli.Commands;

/// <summary><c>sync watch VAULT COLLECTION KEY</c>, or <c>--keys FILE</c>.</summary>
internal static class WatchCommand
{
    private const int OpeningMax = 64;

    public static Command Build()
    {
        var key = new Argument<string[]>("VAULT COLLECTION KEY")
        {
            Description = "The record to follow; none with --keys",
            Arity = new ArgumentArity(0, 3),
        };
        var file = new Option<string?>("--keys") { Description = "Follow many: a file (- = standard input) with a VAULT/COLLECTION/KEY on each line" };
        var until = new Option<long?>("--until") { Description = "End when this sequence is applied (one key only)" };
        var command = new Command(
            "watch",
            """
            Follow keys: print the value now and every change as it comes.

            With a broker (--nats or SYNC_NATS) by replicas: a change that was lost on the way is noticed and fetched again, and
            a reader that is slower than the changes sees the newest of each key. Without one by asking the writer for the
            key's new facts four times a second, which also works against the box (sync up). Ends with Ctrl-C, or with --until.
            """) { key, file, until };
        command.SetAction((parsed, stop) => Run.GuardAsync(parsed, async connection =>
        {
            var keys = await KeysAsync(parsed.GetValue(key) ?? [], parsed.GetValue(file), stop);
            if (parsed.GetValue(until) is not null && keys.Count != 1)
                throw new SyncException(SyncErrorCode.Invalid, "--until goes with one key");
            return await WatchAsync(connection, keys, parsed.GetValue(until), stop);
        }));
        return command;
    }

    private static async Task<IReadOnlyList<SyncedKey>> KeysAsync(string[] names, string? file, CancellationToken stop)
    {
        if (file is null ? names.Length != 3 : names.Length != 0)
            throw new SyncException(SyncErrorCode.Invalid, "give VAULT COLLECTION KEY, or --keys FILE");
        if (file is null) return [Checked(new SyncedKey(names[0], names[1], names[2]))];
        var keys = new List<SyncedKey>();
        using var reader = file == "-" ? Console.In : new StreamReader(file);
        while (await reader.ReadLineAsync(stop) is { } line)
        {
            if (line.Length == 0) continue;
            if (line.Split('/', 3) is not [var vault, var collection, var key])
                throw new SyncException(SyncErrorCode.Invalid, $"line {keys.Count + 1} of {file} is not VAULT/COLLECTION/KEY");
            keys.Add(Checked(new SyncedKey(vault, collection, key)));
        }
        return keys.Count > 0 ? keys : throw new SyncException(SyncErrorCode.Invalid, $"{file} names no key");
    }

    private static SyncedKey Checked(SyncedKey key) =>
        Names.Check(key) is { } wrong ? throw new SyncException(SyncErrorCode.Invalid, wrong) : key;

    private static async Task<int> WatchAsync(
        Connection connection, IReadOnlyList<SyncedKey> keys, long? until, CancellationToken stop)
    {
        await using var client = new SyncClient(connection.ClientOptions("cli:watch"), connection.Broker);
        using var opening = new SemaphoreSlim(OpeningMax);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var printer = new ChangePrinter(connection.Json, keys.Count > 1);
        var following = keys.Select(key => connection.Broker is null
            ? FactPoll.FollowAsync(client.Writer, key, opening, printer, until, end.Token)
            : FollowAsync(client, key, opening, printer, until, end.Token)).ToList();
        try
        {
            // The first that ends, ends all: it reached --until, or it cannot follow.
            await await Task.WhenAny(following);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return ExitCode.Done;
        }
        finally
        {
            await end.CancelAsync();
            await Task.WhenAll(following).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        return ExitCode.Done;
    }

    private static async Task FollowAsync(
        SyncClient client, SyncedKey key, SemaphoreSlim opening, ChangePrinter printer, long? until, CancellationToken stop)
    {
        Replica<ReadOnlyMemory<byte>> replica;
        await opening.WaitAsync(stop);
        try { replica = await client.ReplicaAsync(key.Vault, key.Collection, key.Key, SyncSchema.Raw, stop); }
        finally { opening.Release(); }
        await using (replica)
        {
            var shown = Sequence.Unknown;
            await foreach (var change in replica.WatchAsync(stop))
            {
                if (change.Metadata.Sequence > shown)
                {
                    shown = change.Metadata.Sequence;
                    printer.Show(key, change.Metadata, change.Value);
                }
                if (until is not null && shown.Value >= until) return;
            }
        }
    }
}
