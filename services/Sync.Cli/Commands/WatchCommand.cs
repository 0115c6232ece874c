using System.CommandLine;
using System.Text;
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
            Follow keys with replicas: print the value now and every change as it is applied.

            Ends with Ctrl-C, or with --until. A change that was lost on the way is noticed and fetched again. A reader that
            is slower than the changes sees the newest of each key.
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
        var printer = new Printer(connection.Json, keys.Count > 1);
        var following = keys.Select(key => FollowAsync(client, key, opening, printer, until, end.Token)).ToList();
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
        SyncClient client, SyncedKey key, SemaphoreSlim opening, Printer printer, long? until, CancellationToken stop)
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

    // Lines of several replicas: one at a time.
    private sealed class Printer(bool json, bool many)
    {
        private readonly Lock _gate = new();

        public void Show(SyncedKey key, ReplicaMetadata metadata, ReadOnlyMemory<byte> value)
        {
            var text = value.IsEmpty ? null : JsonTranscoder.ToJson(value.Span, out _);
            lock (_gate)
            {
                if (json) Output.Json(members => Write(members, key, metadata, text));
                else Output.Text((many ? key + "  " : "") + $"{metadata.Sequence,6}  {(text is null ? "(no record)" : Encoding.UTF8.GetString(text))}");
            }
        }

        private static void Write(System.Text.Json.Utf8JsonWriter json, SyncedKey key, ReplicaMetadata metadata, byte[]? text)
        {
            json.WriteString("vault", key.Vault);
            json.WriteString("collection", key.Collection);
            json.WriteString("key", key.Key);
            json.WriteNumber("sequence", metadata.Sequence.Value);
            json.WriteString("schema_version", metadata.SchemaVersion.Text);
            json.WriteString("status", metadata.Status.ToString());
            json.WritePropertyName("value");
            if (text is null) json.WriteNullValue();
            else json.WriteRawValue(text);
        }
    }
}
