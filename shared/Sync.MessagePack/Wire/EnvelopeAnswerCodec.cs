using System.Buffers;
using Sync.Contracts;

namespace Sync.MessagePack;

/// <summary>The reply of <c>sync.getmany</c> (docs/PROTOCOL.md, Requests and replies).</summary>
public static class EnvelopeAnswerCodec
{
    private const int Feed = 0, History = 1, Floor = 2, Position = 3, Answered = 4, Envelopes = 5;

    private static readonly FieldNames Names =
        new("answer", "feed", "history", "floor", "position", "answered", "envelopes");

    private static readonly TextCache Texts = new();

    /// <summary>Writes the reply.</summary>
    public static void Encode(EnvelopeAnswer answer, IBufferWriter<byte> destination)
    {
        var writer = new MsgPackWriter(destination);
        Write(ref writer, answer);
        writer.Flush();
    }

    internal static void Write(ref MsgPackWriter writer, EnvelopeAnswer answer)
    {
        writer.WriteMapHeader(Names.Count);
        WriteInteger(ref writer, Feed, answer.Feed.Value);
        WriteInteger(ref writer, History, answer.History.Value);
        WriteInteger(ref writer, Floor, answer.Floor.Value);
        WriteInteger(ref writer, Position, answer.Position.Value);
        WriteInteger(ref writer, Answered, answer.Answered);
        writer.WriteString(Names[Envelopes]);
        writer.WriteArrayHeader(answer.Envelopes.Count);
        foreach (var envelope in answer.Envelopes) EnvelopeWriter.Write(ref writer, envelope);
    }

    /// <summary>Reads the reply. Never throws for bad input.</summary>
    public static ParseResult<EnvelopeAnswer> Decode(ReadOnlySpan<byte> bytes)
    {
        var reader = new MsgPackReader(bytes);
        string? context = null;
        var answer = Read(ref reader, ref context);
        return answer is not null && reader.TryEnd()
            ? ParseResult<EnvelopeAnswer>.Ok(answer)
            : ParseResult<EnvelopeAnswer>.Err(context ?? Names.Describe(reader.Error, -1));
    }

    internal static EnvelopeAnswer? Read(ref MsgPackReader reader, ref string? context)
    {
        if (!MapCursor.TryBegin(ref reader, Names, out var map)) return null;
        long feed = 0, history = 0, floor = 0, position = 0, answered = 0;
        Envelope[] envelopes = [];
        while (map.TryNext(ref reader, out var field))
        {
            var ok = field switch
            {
                Feed => reader.TryReadInt64(0, int.MaxValue, out feed),
                History => reader.TryReadInt64(0, long.MaxValue, out history),
                Floor => reader.TryReadInt64(0, long.MaxValue, out floor),
                Position => reader.TryReadInt64(0, long.MaxValue, out position),
                Answered => reader.TryReadInt64(0, IEnvelopeSource.ItemsMax, out answered),
                _ => TryReadEnvelopes(ref reader, out envelopes, ref context),
            };
            if (ok) continue;
            context ??= map.Describe(reader.Error);
            return null;
        }
        for (var field = 0; field < Names.Count && reader.Error.IsNone; field++) map.TryRequire(ref reader, field);
        if (!reader.Error.IsNone) return null;
        return new EnvelopeAnswer
        {
            Feed = new((int)feed),
            History = new(history),
            Floor = new(floor),
            Position = new(position),
            Answered = (int)answered,
            Envelopes = envelopes,
        };
    }

    private static bool TryReadEnvelopes(ref MsgPackReader reader, out Envelope[] envelopes, ref string? context)
    {
        envelopes = [];
        var start = reader.Offset;
        if (!reader.TryReadArrayHeader(out var count)) return false;
        if (count > IEnvelopeSource.ItemsMax) return reader.FailAt($"more than {IEnvelopeSource.ItemsMax} envelopes", start);
        var read = new Envelope[count];
        for (var index = 0; index < count; index++)
        {
            if (EnvelopeReader.Read(ref reader, default, Texts, out var where) is not { } envelope)
            {
                context = $"answer, envelope {index}: {where.Describe(reader.Error)}";
                return false;
            }
            read[index] = envelope;
        }
        envelopes = read;
        return true;
    }

    private static void WriteInteger(ref MsgPackWriter writer, int field, long value)
    {
        writer.WriteString(Names[field]);
        writer.WriteInteger(value);
    }
}
