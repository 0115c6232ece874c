using System.Buffers;
using Sync.Contracts;
using Sync.MessagePack;

namespace Sync.Benchmarks.Replicas;

/// <summary>The model of the replica benchmarks: about 200 bytes as MessagePack.</summary>
internal sealed record Item(string Name, string Note, long Amount, double Price)
{
    public const string Vault = "bench";
    public const string Collection = "items";

    public static Item Make(int number, int noteLength = 140) => new(
        $"item number {number}", new string((char)('a' + (number % 26)), noteLength), number * 31L, number / 7.0);

    public static SyncedKey Key(int number) => new(Vault, Collection, $"item-{number:D8}");

    public static byte[] Bytes(Item item)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        ItemSchema.Instance.Write(item, buffer);
        return buffer.WrittenSpan.ToArray();
    }
}

/// <summary>Reads and writes the model by hand, as generated code would.</summary>
internal sealed class ItemSchema : SyncSchema<Item>
{
    public static readonly ItemSchema Instance = new() { Version = SchemaVersion.Default };

    public override ParseResult<Item> Parse(ReadOnlyMemory<byte> value)
    {
        var reader = new MsgPackReader(value.Span);
        string name = "", note = "";
        long amount = 0;
        double price = 0;
        if (!reader.TryReadMapHeader(out var fields)) return ParseResult<Item>.Err(reader.Error.ToString());
        for (var field = 0; field < fields; field++)
        {
            if (!reader.TryReadStringBytes(out var key)) break;
            var isRead = key switch
            {
                [(byte)'n', (byte)'a', ..] => reader.TryReadString(out name),
                [(byte)'n', (byte)'o', ..] => reader.TryReadString(out note),
                [(byte)'a', ..] => reader.TryReadInt64(out amount),
                [(byte)'p', ..] => reader.TryReadDouble(out price),
                _ => reader.TrySkip(),
            };
            if (!isRead) break;
        }
        return reader.TryEnd()
            ? ParseResult<Item>.Ok(new Item(name, note, amount, price))
            : ParseResult<Item>.Err(reader.Error.ToString());
    }

    public override void Write(Item value, IBufferWriter<byte> destination)
    {
        var writer = new MsgPackWriter(destination);
        writer.WriteMapHeader(4);
        writer.WriteString("name"u8);
        writer.WriteString(value.Name);
        writer.WriteString("note"u8);
        writer.WriteString(value.Note);
        writer.WriteString("amount"u8);
        writer.WriteInteger(value.Amount);
        writer.WriteString("price"u8);
        writer.WriteDouble(value.Price);
        writer.Flush();
    }
}
