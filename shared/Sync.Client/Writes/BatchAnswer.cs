using System.Buffers;
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
            answer = Read(bytes, write.Command);
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
        else write.Refuse(refusal);
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

    private static Answer Read(ReadOnlySpan<byte> bytes, WriteCommand? asked = null)
    {
        var json = new Utf8JsonReader(bytes);
        var answer = new Answer();
        json.Read();
        if (json.TokenType != JsonTokenType.StartObject) throw new JsonException("not an object");
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName) answer.ReadProperty(ref json, asked);
        // Throws when something follows the object.
        json.Read();
        return answer;
    }

    // One line's fields, whatever it turns out to be.
    private struct Answer()
    {
        private const int TimeLengthMax = 64;

        private string? _vault, _collection, _key;
        private Guid? _factId, _causation;
        private long _sequence, _feed, _history, _position;
        private int _status;
        private Timestamp? _time;
        private Hash256? _hash;
        private Sequence? _last;

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
            Feed = new FeedId((int)(_feed is >= 0 and < Feeds.CountMax ? _feed : throw Incomplete())),
            History = new HistoryId(_history >= 0 ? _history : throw Incomplete()),
            Position = new Position(Needed(_position)),
            TransactionTime = _time ?? throw Incomplete(),
            ValueHash = _hash ?? throw Incomplete(),
            Causation = _causation is { } causation ? new FactId(causation) : null,
        };

        // A newer writer may refuse for a reason that is not known here: the status says that it is final.
        public readonly Refusal? ToRefusal() =>
            Type is null ? null
            : RefusalCodes.TryParse(Type, out var code) ? new Refusal(code, Detail) { Last = _last }
            : _status is >= 400 and < 500 ? new Refusal(RefusalCode.MalformedRequest, Detail)
            : null;

        private static long Needed(long number) => number > 0 ? number : throw Incomplete();

        private static FormatException Incomplete() => new("the receipt is incomplete");

        // Names that are as they were asked for stay the asker's strings.
        public void ReadProperty(ref Utf8JsonReader json, WriteCommand? asked)
        {
            if (Is(ref json, "factId"u8)) _factId = json.GetGuid();
            else if (Is(ref json, "vault"u8)) _vault = Same(ref json, asked?.Key.Vault);
            else if (Is(ref json, "collection"u8)) _collection = Same(ref json, asked?.Key.Collection);
            else if (Is(ref json, "key"u8)) _key = Same(ref json, asked?.Key.Key);
            else if (Is(ref json, "sequence"u8)) _sequence = json.GetInt64();
            else if (Is(ref json, "feed"u8)) _feed = json.GetInt64();
            else if (Is(ref json, "history"u8)) _history = json.GetInt64();
            else if (Is(ref json, "position"u8)) _position = json.GetInt64();
            else if (Is(ref json, "transactionTime"u8)) _time = ReadTime(ref json);
            else if (Is(ref json, "valueHash"u8)) _hash = ReadHash(ref json);
            else if (Is(ref json, "causation"u8)) _causation = json.TokenType == JsonTokenType.Null ? null : json.GetGuid();
            else if (Is(ref json, "replayed"u8)) Replayed = json.GetBoolean();
            else if (Is(ref json, "status"u8)) _status = json.GetInt32();
            else if (Is(ref json, "last"u8)) _last = new Sequence(json.GetInt64());
            else if (Is(ref json, "type"u8)) Type = json.GetString()?.Split(':')[^1];
            else if (Is(ref json, "detail"u8)) Detail = json.GetString() ?? Detail;
            else
            {
                json.Read();
                json.Skip();
            }
        }

        // Moves on to the value when it is this property.
        private static bool Is(ref Utf8JsonReader json, ReadOnlySpan<byte> name) => json.ValueTextEquals(name) && json.Read();

        private static string? Same(ref Utf8JsonReader json, string? asked) =>
            asked is not null && json.TokenType == JsonTokenType.String && json.ValueTextEquals(asked) ? asked : json.GetString();

        private static Timestamp ReadTime(ref Utf8JsonReader json)
        {
            Span<char> text = stackalloc char[TimeLengthMax];
            if (json.ValueSpan.Length > text.Length) throw new FormatException("a time is shorter");
            var length = json.CopyString(text);
            return Rfc3339.TryRead(text[..length], out var time) is { } wrong ? throw new FormatException("a time " + wrong) : time;
        }

        private static Hash256 ReadHash(ref Utf8JsonReader json)
        {
            Span<byte> text = stackalloc byte[Hash256.Size * 2];
            Span<byte> bytes = stackalloc byte[Hash256.Size];
            if (json.ValueSpan.Length != text.Length) throw new FormatException("a hash has 64 digits");
            json.CopyString(text);
            return Convert.FromHexString(text, bytes, out _, out _) == OperationStatus.Done
                ? new Hash256(bytes)
                : throw new FormatException("a hash has 64 hexadecimal digits");
        }
    }
}
