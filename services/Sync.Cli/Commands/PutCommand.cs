using System.CommandLine;
using System.Text;
using Sync.Client;
using Sync.Contracts;
using Sync.MessagePack;

namespace Sync.Cli.Commands;

/// <summary><c>sync put VAULT COLLECTION KEY VALUE</c>.</summary>
internal static class PutCommand
{
    private static readonly byte[] Nil = [0xc0];

    // Whoever types a command wants to know soon that nobody takes it.
    private static readonly TimeSpan WriteTimeout = TimeSpan.FromSeconds(5);

    public static Command Build()
    {
        var keys = new Keys();
        var value = new Argument<string?>("VALUE")
        {
            Description = "The full object as JSON; - = read it from standard input",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var delete = new Option<bool>("--delete") { Description = "Commit a tombstone instead of a value" };
        var expected = new Option<long?>("--expected") { Description = "Commit only if this is the key's last sequence; 0 = no fact ever" };
        var version = new Option<string>("--schema-version")
        {
            Description = "Model version, major.minor",
            DefaultValueFactory = _ => SchemaVersion.Default.Text!,
        };
        var idempotency = new Option<string?>("--idempotency-key") { Description = "Makes the call repeatable (default: a fresh one)" };
        var command = new Command("put", "Commit a value, or with --delete a tombstone, and print the receipt.");
        keys.AddTo(command);
        command.Arguments.Add(value);
        foreach (var option in new Option[] { delete, expected, version, idempotency }) command.Options.Add(option);
        command.SetAction((parsed, stop) => Run.GuardAsync(parsed, connection =>
        {
            var (isDelete, text, last) = (parsed.GetValue(delete), parsed.GetValue(value), parsed.GetValue(expected));
            if (isDelete && text is not null) throw new SyncException(SyncErrorCode.Invalid, "give a VALUE or --delete, not both");
            if (last < 0) throw new SyncException(SyncErrorCode.Invalid, $"--expected is {last}; must be a sequence, 0 = no fact ever");
            return PutAsync(connection, new WriteCommand
            {
                Key = keys.Of(parsed),
                Op = isDelete ? ChangeOp.Delete : ChangeOp.Put,
                Value = isDelete ? Nil : ValueOf(text),
                SchemaVersion = new SchemaVersion(parsed.GetValue(version)),
                Expected = last is { } sequence ? new Sequence(sequence) : null,
                IdempotencyKey = parsed.GetValue(idempotency),
                Producer = new Producer("cli", Environment.UserName),
            }, stop);
        }));
        return command;
    }

    private static ReadOnlyMemory<byte> ValueOf(string? text)
    {
        if (text is null) throw new SyncException(SyncErrorCode.Invalid, "give a VALUE as JSON, or --delete");
        var json = text == "-" ? Console.In.ReadToEnd() : text;
        return JsonTranscoder.ToMsgPack(Encoding.UTF8.GetBytes(json), out var wrong)
            ?? throw new SyncException(SyncErrorCode.Invalid, $"VALUE is not JSON that can be kept: {wrong}");
    }

    private static async Task<int> PutAsync(Connection connection, WriteCommand write, CancellationToken stop)
    {
        await using var client = new SyncClient(connection.ClientOptions(write.Producer.ToString()) with { WriteTimeout = WriteTimeout });
        switch (await client.WriteAsync(write, stop))
        {
            case WriteResult.Committed(var receipt, var replayed):
                Print(connection, receipt, replayed);
                return ExitCode.Done;
            case WriteResult.Refused(var refusal):
                return refusal.IsTransient
                    ? Run.Fail(connection, $"not committed: {refusal.Detail}; is a writer running at {connection.Writer}?", ExitCode.Unreachable)
                    : Run.Fail(connection, $"refused: {refusal.Detail}", ExitCode.Wrong);
            case WriteResult.Unknown(var reason):
                return Run.Fail(connection, $"unknown outcome: {reason}", ExitCode.Unreachable);
            default:
                throw new InvalidOperationException("a fourth outcome");
        }
    }

    private static void Print(Connection connection, Receipt receipt, bool replayed)
    {
        if (connection.Json)
        {
            Output.Json(json =>
            {
                json.WriteString("factId", receipt.FactId.ToString());
                json.WriteString("vault", receipt.Key.Vault);
                json.WriteString("collection", receipt.Key.Collection);
                json.WriteString("key", receipt.Key.Key);
                json.WriteNumber("sequence", receipt.Sequence.Value);
                json.WriteNumber("feed", receipt.Feed.Value);
                json.WriteNumber("history", receipt.History.Value);
                json.WriteNumber("position", receipt.Position.Value);
                json.WriteString("transactionTime", receipt.TransactionTime.ToString());
                json.WriteString("valueHash", receipt.ValueHash.ToString());
                json.WriteString("causation", receipt.Causation?.ToString());
                json.WriteBoolean("replayed", replayed);
            });
            return;
        }
        Console.WriteLine(
            $"{receipt.Key}: sequence {receipt.Sequence}, feed {receipt.Feed} position {receipt.Position}, {receipt.TransactionTime}"
            + (replayed ? " (was committed before)" : ""));
    }
}
