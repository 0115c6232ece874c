using System.Text;
using Sync.Contracts;

namespace Sync.MessagePack;

/// <summary>The map of an envelope (docs/PROTOCOL.md, Envelope bytes): its keys in the order in which the writer emits them.</summary>
internal static class EnvelopeFields
{
    public const int Value = 0, SchemaVersion = 1, Sequence = 2, Vault = 3, Collection = 4, Key = 5, Op = 6, Id = 7, Feed = 8,
        Position = 9, History = 10, Hash = 11, After = 12, Time = 13, Producer = 14;

    public static readonly FieldNames Names = new("envelope", "value", "schema_version", "sequence", "vault", "collection",
        "key", "op", "id", "feed", "position", "history", "hash", "after", "time", "producer");

    /// <summary>nil, the value of every tombstone; never written to.</summary>
    public static readonly ReadOnlyMemory<byte> NilValue = new byte[] { 0xc0 };

    public static string OpText(ChangeOp op) => op switch
    {
        ChangeOp.Put => "put",
        ChangeOp.Delete => "delete",
        _ => "append",
    };

    public static bool TryReadOp(ref MsgPackReader reader, out ChangeOp op)
    {
        op = ChangeOp.Put;
        var start = reader.Offset;
        if (!reader.TryReadUncheckedString(out var text)) return false;
        if (text.SequenceEqual("put"u8)) return true;
        op = text.SequenceEqual("delete"u8) ? ChangeOp.Delete : ChangeOp.Append;
        return op == ChangeOp.Delete || text.SequenceEqual("append"u8)
            || reader.FailAt("expected put, delete or append", start);
    }

    /// <summary>True when the place in the feed is carried: all of its fields or none.</summary>
    public static bool HasPlace(Envelope envelope) => envelope.Position.Value != 0 || envelope.History.Value != 0;

    public static int SizeOfText(int field, int utf8Length) => SizeOfName(field) + MsgPackSize.OfString(utf8Length);

    public static int SizeOfText(int field, string? text) =>
        text is null ? 0 : SizeOfText(field, Encoding.UTF8.GetByteCount(text));

    public static int SizeOfInteger(int field, long value) => SizeOfName(field) + MsgPackSize.OfInteger(value);

    public static int SizeOfName(int field) => Names[field].Length + 1;
}
