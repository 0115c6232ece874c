using System.Buffers;
using Sync.Contracts;
using Sync.MessagePack;

namespace Sync.Lobby.Insights;

/// <summary><c>{live, bytes}</c>: live records and the bytes of their values.</summary>
internal static class CountsSample
{
    public static byte[] Derive(IReadOnlyList<Envelope> records)
    {
        var bytes = new ArrayBufferWriter<byte>(64);
        var writer = new MsgPackWriter(bytes);
        writer.WriteMapHeader(2);
        writer.WriteString("live"u8);
        writer.WriteInteger(records.Count);
        writer.WriteString("bytes"u8);
        writer.WriteInteger(records.Sum(record => (long)record.Value.Length));
        writer.Flush();
        return bytes.WrittenSpan.ToArray();
    }
}
