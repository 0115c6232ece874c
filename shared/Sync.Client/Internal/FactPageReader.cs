using Sync.Contracts;
using Sync.MessagePack;

namespace Sync.Client.Internal;

/// <summary>Reads a page of <c>GET /v1/facts</c> in MessagePack: <c>{feed, history, floor, position, next, items}</c>.</summary>
internal static class FactPageReader
{
    public static (IReadOnlyList<Fact> Facts, long? Next) Read(ReadOnlySpan<byte> bytes)
    {
        var reader = new MsgPackReader(bytes);
        var facts = new List<Fact>();
        long? next = null;
        if (reader.TryReadMapHeader(out var members))
        {
            for (; members > 0 && reader.TryReadStringBytes(out var name); members--)
            {
                if (name.SequenceEqual("next"u8))
                {
                    if (reader.TrySkipNil()) continue;
                    if (!reader.TryReadInt64(out var value)) break;
                    next = value;
                }
                else if (!name.SequenceEqual("items"u8)) reader.TrySkip();
                else if (!TryReadItems(ref reader, facts)) break;
            }
        }
        if (!reader.TryEnd()) throw new SyncException(SyncErrorCode.Corrupt, $"the writer's page of facts cannot be read: {reader.Error}");
        return (facts, next);
    }

    private static bool TryReadItems(ref MsgPackReader reader, List<Fact> facts)
    {
        if (!reader.TryReadArrayHeader(out var count)) return false;
        for (; count > 0; count--)
        {
            if (!reader.TryReadRaw(out var raw)) return false;
            var fact = FactCodec.Decode(raw);
            if (!fact.IsOk) throw new SyncException(SyncErrorCode.Corrupt, "a fact of the writer's page cannot be read: " + fact.Error);
            facts.Add(fact.Value);
        }
        return true;
    }
}
