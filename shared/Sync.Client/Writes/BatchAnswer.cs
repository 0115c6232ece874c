using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Sync.Contracts;
using Sync.MessagePack;

namespace Sync.Client.Writes;

/// <summary>Reads the answers of <c>POST /v1/batch</c>: a receipt, or a problem (docs/PROTOCOL.md, Batch).</summary>
internal static class BatchAnswer
{
    private const string UnknownOutcome = "unknown-outcome";

    /// <summary>Completes a write with its line, or leaves it open when it must be repeated.</summary>
    /// <exception cref="IOException">The line is neither a receipt nor a problem: the answer cannot be trusted.</exception>
    public static void Apply(ReadOnlySequence<byte> line, PendingWrite write)
    {
        var bytes = line.IsSingleSegment ? line.FirstSpan : line.ToArray();
        Answer answer;
        Receipt? committed;
        try
        {
            answer = Read(bytes);
            committed = answer.Receipt;
        }
        catch (Exception error) when (IsMalformed(error))
        {
            throw new IOException("an answer line of the batch cannot be read: " + error.Message, error);
        }
        if (committed is { } receipt)
        {
            if (!IsAbout(receipt, write.Command)) throw new IOException($"an answer line is about {receipt.Key}, not {write.Command.Key}");
            write.Complete(new WriteResult.Committed(receipt, answer.Replayed));
        }
        else if (answer.LeavesOpen) (write.MayBeCommitted, write.LastFailure) = (true, answer.Detail);
        else if (answer.ToRefusal() is not { } refusal) throw new IOException("an answer line is neither a receipt nor a problem");
        else if (refusal.IsTransient) (write.LastRefusal, write.LastFailure) = (refusal, refusal.Detail);
        else write.Complete(new WriteResult.Refused(refusal));
    }

    // An append that named no key got its fact's id as its key.
    private static bool IsAbout(Receipt receipt, WriteCommand command) => receipt.Key == command.Key
        || (command.Key.Key.Length == 0 && receipt.Key == command.Key with { Key = receipt.FactId.ToString() });

    /// <summary>The refusal in a problem body; null when it is none.</summary>
    public static Refusal? ReadProblem(ReadOnlySpan<byte> body)
    {
        try { return Read(body) is { LeavesOpen: false } answer ? answer.ToRefusal() : null; }
        catch (Exception error) when (IsMalformed(error)) { return null; }
    }

    /// <summary>The detail of a problem body; null when it is none.</summary>
    public static string? ReadProblemDetail(ReadOnlySpan<byte> body)
    {
        try { return Read(body) is { Type: not null } answer ? answer.Detail : null; }
        catch (Exception error) when (IsMalformed(error)) { return null; }
    }

    private static bool IsMalformed(Exception error) =>
        error is JsonException or FormatException or InvalidOperationException or ArgumentException;

    private static Answer Read(ReadOnlySpan<byte> bytes)
    {
        var json = new Utf8JsonReader(bytes);
        var answer = new Answer();
        json.Read();
        if (json.TokenType != JsonTokenType.StartObject) throw new JsonException("not an object");
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName) answer.ReadProperty(ref json);
        // Throws when something follows the object.
        json.Read();
        return answer;
    }

    // One line's fields, whatever it turns out to be.
    private struct Answer()
    {
        private string? _vault, _collection, _key;
        private Guid? _factId, _causation;
        private long _sequence, _feed, _history, _position;
        private int _status;
        private Timestamp? _time;
        private Hash256? _hash;

        public bool Replayed { get; private set; }
        public string? Type { get; private set; }
        public string Detail { get; private set; } = "the writer gave no reason";

        /// <summary>True when the line does not say whether the write was committed: it must be repeated.</summary>
        public readonly bool LeavesOpen => Type == UnknownOutcome || (Type is not null && _status >= 500 && !RefusalCodes.TryParse(Type, out _));

        /// <exception cref="FormatException">A part of it is missing.</exception>
        public readonly Receipt? Receipt => _factId is not { } id ? null : new Receipt
        {
            FactId = new FactId(id),
            Key = new SyncedKey(_vault!, _collection!, _key!),
            Sequence = new Sequence(Needed(_sequence)),
            Feed = new FeedId((int)_feed),
            History = new HistoryId(_history),
            Position = new Position(Needed(_position)),
            TransactionTime = _time ?? throw Incomplete(),
            ValueHash = _hash ?? throw Incomplete(),
            Causation = _causation is { } causation ? new FactId(causation) : null,
        };

        // A newer writer may refuse for a reason that is not known here: the status says that it is final.
        public readonly Refusal? ToRefusal() =>
            Type is null ? null
            : RefusalCodes.TryParse(Type, out var code) ? new Refusal(code, Detail)
            : _status is >= 400 and < 500 ? new Refusal(RefusalCode.MalformedRequest, Detail)
            : null;

        private static long Needed(long number) => number > 0 ? number : throw Incomplete();

        private static FormatException Incomplete() => new("the receipt is incomplete");

        public void ReadProperty(ref Utf8JsonReader json)
        {
            var name = json.GetString();
            json.Read();
            switch (name)
            {
                case "factId": _factId = json.GetGuid(); break;
                case "vault": _vault = json.GetString(); break;
                case "collection": _collection = json.GetString(); break;
                case "key": _key = json.GetString(); break;
                case "sequence": _sequence = json.GetInt64(); break;
                case "feed": _feed = json.GetInt64(); break;
                case "history": _history = json.GetInt64(); break;
                case "position": _position = json.GetInt64(); break;
                case "transactionTime":
                    _time = Timestamp.From(DateTimeOffset.Parse(json.GetString()!, CultureInfo.InvariantCulture));
                    break;
                case "valueHash": _hash = new Hash256(Convert.FromHexString(json.GetString()!)); break;
                case "causation": _causation = json.TokenType == JsonTokenType.Null ? null : json.GetGuid(); break;
                case "replayed": Replayed = json.GetBoolean(); break;
                case "status": _status = json.GetInt32(); break;
                case "type": Type = json.GetString()!.Split(':')[^1]; break;
                case "detail": Detail = json.GetString() ?? Detail; break;
                default: json.Skip(); break;
            }
        }
    }
}
