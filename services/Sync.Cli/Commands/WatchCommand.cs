using System.CommandLine;
using System.Text;
using Sync.Client;
using Sync.Contracts;
using Sync.MessagePack;
using Sync.Replication;

namespace Sync.Cli.Commands;

/// <summary><c>sync watch VAULT COLLECTION KEY</c>.</summary>
internal static class WatchCommand
{
    public static Command Build()
    {
        var keys = new Keys();
        var until = new Option<long?>("--until") { Description = "End when this sequence is applied" };
        var command = new Command(
            "watch",
            """
            Follow a key with a replica: print its value now and every change as it is applied.

            Ends with Ctrl-C, or with --until. A change that was lost on the way is noticed and fetched again.
            """);
        keys.AddTo(command);
        command.Options.Add(until);
        command.SetAction((parsed, stop) => Run.GuardAsync(
            parsed, connection => WatchAsync(connection, keys.Of(parsed), parsed.GetValue(until), stop)));
        return command;
    }

    private static async Task<int> WatchAsync(Connection connection, SyncedKey key, long? until, CancellationToken stop)
    {
        await using var client = new SyncClient(connection.ClientOptions("cli:watch"), connection.Broker);
        await using var replica = await client.ReplicaAsync(key.Vault, key.Collection, key.Key, SyncSchema.Raw, stop);
        if (!connection.Json) Output.Note($"following {key}; Ctrl-C ends it\n");
        var shown = Sequence.Unknown;
        try
        {
            // The enumeration is armed before the current value is looked at, so nothing falls between.
            var changes = replica.WatchAsync(stop).GetAsyncEnumerator(stop);
            await using (changes)
            {
                var next = changes.MoveNextAsync();
                await replica.WhenIdleAsync(stop);
                Show(connection, replica.State.Metadata, replica.State.Value, ref shown);
                while ((until is null || shown.Value < until) && await next)
                {
                    Show(connection, changes.Current.Metadata, changes.Current.Value, ref shown);
                    next = changes.MoveNextAsync();
                }
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested && until is null)
        {
            // The normal end.
        }
        return ExitCode.Done;
    }

    private static void Show(Connection connection, ReplicaMetadata metadata, ReadOnlyMemory<byte> value, ref Sequence shown)
    {
        if (metadata.Sequence <= shown) return;
        shown = metadata.Sequence;
        var text = value.IsEmpty ? null : JsonTranscoder.ToJson(value.Span, out _);
        if (connection.Json)
        {
            Output.Json(json =>
            {
                json.WriteNumber("sequence", metadata.Sequence.Value);
                json.WriteString("schema_version", metadata.SchemaVersion.Text);
                json.WriteString("status", metadata.Status.ToString());
                json.WritePropertyName("value");
                if (text is null) json.WriteNullValue();
                else json.WriteRawValue(text);
            });
            return;
        }
        Console.WriteLine($"{metadata.Sequence,6}  {metadata.Status,-10}  {(text is null ? "(no record)" : Encoding.UTF8.GetString(text))}");
    }
}
