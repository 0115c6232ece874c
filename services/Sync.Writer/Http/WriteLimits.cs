using System.Buffers;
using Sync.Contracts;
using Sync.Hosting;
using Sync.Http;
using Sync.MessagePack;

namespace Sync.Writer.Http;

/// <summary>What a value may be: checked at the door, so that nothing is committed that could not be published or
/// read.</summary>
internal sealed class WriteLimits(WriterOptions options, Func<int> messageBytesMax)
{
    /// <summary>Most lines of an atomic batch.</summary>
    public const int AtomicLinesMax = 1000;

    /// <summary>Most value bytes of an atomic batch.</summary>
    public const int AtomicBytesMax = 4 << 20;

    /// <summary>How far beyond the limit a body is still read, to be refused in peace; further ones are cut
    /// off.</summary>
    public const int DroppedBytesMax = 8 << 20;

    /// <summary>Kept free of a bus message, for its subject and headers.</summary>
    private const int MessageReserve = 8 << 10;

    /// <summary>An envelope without its value and its texts, rounded up.</summary>
    private const int EnvelopeOverhead = 400;

    /// <summary>Characters of the key of an event whose client gave none.</summary>
    private const int FactIdLength = 36;

    public static readonly ReadOnlyMemory<byte> Nil = new byte[] { 0xC0 };

    /// <summary>Most bytes of one batch line: a value in base64, and its names.</summary>
    public int LineBytesMax => checked((options.BodyBytesMax / 3 * 4) + (16 << 10));

    /// <summary>Most bytes of an encoded envelope.</summary>
    public int EnvelopeBytesMax => messageBytesMax() - MessageReserve;

    /// <summary>Reads a request's body as one value.</summary>
    public async ValueTask<(Problem? Problem, byte[] Value)> ReadBodyAsync(HttpRequest request, BodyForm form)
    {
        var reader = request.BodyReader;
        var isTooLarge = false;
        while (true)
        {
            var read = await reader.ReadAsync(request.HttpContext.RequestAborted);
            isTooLarge |= read.Buffer.Length > options.BodyBytesMax;
            if (!read.IsCompleted)
            {
                // A sender that is cut off while it sends does not get to read why: a body that is too large is read
                // and dropped.
                reader.AdvanceTo(isTooLarge ? read.Buffer.End : read.Buffer.Start, read.Buffer.End);
                continue;
            }
            byte[]? value = null;
            var problem = isTooLarge ? TooLargeBody : ReadValue(read.Buffer, form, out value);
            reader.AdvanceTo(read.Buffer.End);
            return (problem, value ?? []);
        }
    }

    /// <summary>Makes a value of one JSON text.</summary>
    public Problem? ReadJson(ReadOnlySpan<byte> json, out byte[]? value)
    {
        value = JsonTranscoder.ToMsgPack(json, out var error);
        if (value is not null) return CheckSize(value.Length);
        return error.Fault == TranscodeFault.Malformed
            ? CommonProblems.Malformed($"The value is not JSON: {error.Message}.")
            : Problems.InvalidValue($"The value cannot be kept: {error.Message}.");
    }

    /// <summary>Checks a value that came as MessagePack; it is kept as it came.</summary>
    public Problem? CheckMessagePack(ReadOnlySpan<byte> value)
    {
        if (CheckSize(value.Length) is { } tooLarge) return tooLarge;
        if (MsgPackCheck.Check(value) is not { } error) return null;
        // What can be walked to its end is MessagePack, and refused for what it says.
        var walk = new MsgPackReader(value);
        return walk.TrySkip() && walk.TryEnd()
            ? Problems.InvalidValue($"The value cannot be kept: {error}.")
            : CommonProblems.Malformed($"The value is not one MessagePack value: {error}.");
    }

    /// <summary>Refuses what could not be published: its envelope would not fit a bus message.</summary>
    public Problem? CheckEnvelope(WriteCommand command)
    {
        var key = command.Key;
        // Three bytes for a character is the most that UTF-8 needs for the two of a pair.
        var texts = key.Vault.Length + key.Collection.Length
            + (3 * (Math.Max(key.Key.Length, FactIdLength) + command.Producer.Type.Length + command.Producer.Name.Length));
        var size = command.Value.Length + texts + EnvelopeOverhead;
        return size <= EnvelopeBytesMax
            ? null
            : CommonProblems.TooLarge(
                $"The record would take about {size} bytes on the bus; at most {EnvelopeBytesMax} fit. "
                + "Write it in parts.");
    }

    /// <summary>Everything that a door checks of a command that came as bytes.</summary>
    public Problem? Check(WriteCommand command)
    {
        if (CheckNames(command.Key, command.Op) is { } wrongName) return RecordProblems.InvalidName(wrongName);
        if (Problems.Reserved(command.Key) is { } reserved) return reserved;
        if (!command.SchemaVersion.IsWellFormed) return Problems.InvalidSchemaVersion(command.SchemaVersion.Text);
        if (command.IdempotencyKey is { } key && Names.CheckIdempotencyKey(key) is { } wrongKey)
            return CommonProblems.Malformed(wrongKey + ".");
        if (!WriteHeaders.TryProducer(command.Producer.ToString(), out _))
            return CommonProblems.Malformed(WriteHeaders.ProducerRule("producer"));
        return CheckMessagePack(command.Value.Span) ?? CheckEnvelope(command);
    }

    /// <summary>An append may leave its key to the writer; it is empty then.</summary>
    /// <returns>Null when fine.</returns>
    public static string? CheckNames(SyncedKey key, ChangeOp op) => op == ChangeOp.Append && key.Key is ""
        ? Names.CheckVault(key.Vault) ?? Names.CheckCollection(key.Collection)
        : Names.Check(key);

    private Problem TooLargeBody => CommonProblems.TooLarge(
        $"The body has more than {options.BodyBytesMax} bytes. Write the value in parts.");

    private Problem? ReadValue(ReadOnlySequence<byte> body, BodyForm form, out byte[]? value)
    {
        value = null;
        if (body.IsEmpty) return CommonProblems.Malformed("The body is empty; send one value (null is a value).");
        if (form == BodyForm.Json) return ReadJson(body.IsSingleSegment ? body.FirstSpan : body.ToArray(), out value);
        value = body.ToArray();
        return CheckMessagePack(value);
    }

    private Problem? CheckSize(int bytes) => bytes <= options.BodyBytesMax
        ? null
        : CommonProblems.TooLarge(
            $"The value has {bytes} bytes; at most {options.BodyBytesMax} are allowed. Write it in parts.");
}
