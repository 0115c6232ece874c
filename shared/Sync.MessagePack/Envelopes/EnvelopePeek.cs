using Sync.Contracts;
using F = Sync.MessagePack.EnvelopeFields;

namespace Sync.MessagePack;

/// <summary>What decides whether an envelope is worth decoding, read without allocating.</summary>
public readonly ref struct EnvelopePeek
{
    private EnvelopePeek(Sequence sequence, FeedId feed, Position position, HistoryId history)
    {
        Sequence = sequence;
        Feed = feed;
        Position = position;
        History = history;
    }

    /// <summary>Per-key sequence.</summary>
    public Sequence Sequence { get; }

    /// <summary>The feed; meaningless when <see cref="Position"/> is 0.</summary>
    public FeedId Feed { get; }

    /// <summary>Place in the feed; 0 when not carried.</summary>
    public Position Position { get; }

    /// <summary>History; 0 when not carried.</summary>
    public HistoryId History { get; }

    /// <summary>UTF-8 of the vault's name, a slice of the input; empty when not carried.</summary>
    public ReadOnlySpan<byte> Vault { get; private init; }

    /// <summary>UTF-8 of the collection's name, a slice of the input; empty when not carried.</summary>
    public ReadOnlySpan<byte> Collection { get; private init; }

    /// <summary>UTF-8 of the key, a slice of the input; empty when not carried.</summary>
    public ReadOnlySpan<byte> Key { get; private init; }

    /// <summary>True when the envelope names exactly this key.</summary>
    public bool Names(SyncedKey key) => TextCache.Equal(Key, key.Key)
        && TextCache.Equal(Collection, key.Collection) && TextCache.Equal(Vault, key.Vault);

    /// <summary>Reads the reconcile fields alone. The bytes are only looked through as far as they are needed: true does not
    /// mean that <see cref="EnvelopeCodec"/> would take them; false means that it would not.</summary>
    /// <param name="bytes">One envelope.</param>
    /// <param name="peek">What was found.</param>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out EnvelopePeek peek)
    {
        peek = default;
        var reader = new MsgPackReader(bytes);
        if (!MapCursor.TryBegin(ref reader, F.Names, out var cursor)) return false;
        long sequence = 0, feed = 0, position = 0, history = 0;
        ReadOnlySpan<byte> vault = default, collection = default, key = default;
        while (cursor.TryNext(ref reader, out var field))
        {
            var ok = field switch
            {
                F.Sequence => reader.TryReadInt64(0, long.MaxValue, out sequence),
                F.Vault => reader.TryReadUncheckedString(out vault),
                F.Collection => reader.TryReadUncheckedString(out collection),
                F.Key => reader.TryReadUncheckedString(out key),
                F.Feed => reader.TryReadInt64(0, int.MaxValue, out feed),
                F.Position => reader.TryReadInt64(0, long.MaxValue, out position),
                F.History => reader.TryReadInt64(0, long.MaxValue, out history),
                _ => reader.TrySkip(),
            };
            if (!ok) return false;
            if (HasAll(cursor)) break;
        }
        if (!reader.Error.IsNone || !cursor.Has(F.Sequence)) return false;
        peek = new EnvelopePeek(new(sequence), new((int)feed), new(position), new(history))
        {
            Vault = vault,
            Collection = collection,
            Key = key,
        };
        return true;
    }

    /// <summary>As <see cref="TryRead"/>, for callers that want only the numbers.</summary>
    public static bool TryReadReconcileKey(
        ReadOnlySpan<byte> bytes, out Sequence sequence, out Position position, out HistoryId history)
    {
        var found = TryRead(bytes, out var peek);
        (sequence, position, history) = (peek.Sequence, peek.Position, peek.History);
        return found;
    }

    private static bool HasAll(in MapCursor cursor) =>
        cursor.Has(F.History) && cursor.Has(F.Sequence) && cursor.Has(F.Position)
        && cursor.Has(F.Feed) && cursor.Has(F.Key) && cursor.Has(F.Collection)
        && cursor.Has(F.Vault);
}
