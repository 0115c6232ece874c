using System.Buffers;
using Sync.Contracts;
using Sync.MessagePack;

namespace Sync.Writer.Http;

/// <summary>A receipt as a MessagePack map: names as in JSON, ids and hashes as bytes, times as timestamps.</summary>
internal static class ReceiptBytes
{
    public static void Write(IBufferWriter<byte> output, Receipt receipt, bool replayed)
    {
        var writer = new MsgPackWriter(output);
        writer.WriteMapHeader(replayed ? 12 : 11);
        writer.WriteString("factId"u8);
        writer.WriteFactId(receipt.FactId);
        writer.WriteString("vault"u8);
        writer.WriteString(receipt.Key.Vault);
        writer.WriteString("collection"u8);
        writer.WriteString(receipt.Key.Collection);
        writer.WriteString("key"u8);
        writer.WriteString(receipt.Key.Key);
        writer.WriteString("sequence"u8);
        writer.WriteInteger(receipt.Sequence.Value);
        writer.WriteString("feed"u8);
        writer.WriteInteger(receipt.Feed.Value);
        writer.WriteString("history"u8);
        writer.WriteInteger(receipt.History.Value);
        writer.WriteString("position"u8);
        writer.WriteInteger(receipt.Position.Value);
        writer.WriteString("transactionTime"u8);
        writer.WriteTimestamp(receipt.TransactionTime);
        writer.WriteString("valueHash"u8);
        writer.WriteHash(receipt.ValueHash);
        writer.WriteString("causation"u8);
        if (receipt.Causation is { } causation) writer.WriteFactId(causation);
        else writer.WriteNil();
        if (replayed)
        {
            writer.WriteString("replayed"u8);
            writer.WriteBoolean(true);
        }
        writer.Flush();
    }
}
