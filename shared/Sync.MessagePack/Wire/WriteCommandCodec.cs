using System.Buffers;
using Sync.Contracts;

namespace Sync.MessagePack;

/// <summary>The request of <c>sync.put</c> and <c>sync.append</c> (docs/PROTOCOL.md, Requests and replies). The subject names
/// the key; names, sizes, and the value beyond its structure, are for the receiver to check.</summary>
public static class WriteCommandCodec
{
    /// <summary>Writes the request; key and trace context travel outside.</summary>
    public static void Encode(WriteCommand command, IBufferWriter<byte> destination)
    {
        var writer = new MsgPackWriter(destination);
        CommandFields.Write(ref writer, command, withKey: false);
        writer.Flush();
    }

    /// <summary>Reads the request. Never throws for bad input; the result owns its memory.</summary>
    /// <param name="bytes">The request's body.</param>
    /// <param name="key">What the subject named.</param>
    public static ParseResult<WriteCommand> Decode(ReadOnlySpan<byte> bytes, SyncedKey key) => Read(bytes, key, isAppend: false);

    /// <summary>Writes an append whose subject names the collection; the key is in the body unless it is empty.</summary>
    public static void EncodeAppend(WriteCommand command, IBufferWriter<byte> destination)
    {
        var writer = new MsgPackWriter(destination);
        CommandFields.WriteAppend(ref writer, command);
        writer.Flush();
    }

    /// <summary>Reads an append whose subject names the collection: <c>op</c> is <c>append</c> unless given, and may be nothing
    /// else; without a <c>key</c> the command's key is empty. Otherwise as <see cref="Decode"/>.</summary>
    /// <param name="bytes">The request's body.</param>
    /// <param name="vault">What the subject named.</param>
    /// <param name="collection">What the subject named.</param>
    public static ParseResult<WriteCommand> DecodeAppend(ReadOnlySpan<byte> bytes, string vault, string collection) =>
        Read(bytes, new SyncedKey(vault, collection, ""), isAppend: true);

    private static ParseResult<WriteCommand> Read(ReadOnlySpan<byte> bytes, SyncedKey named, bool isAppend)
    {
        var reader = new MsgPackReader(bytes);
        var command = CommandFields.Read(ref reader, named, isAppend, out var where);
        return command is not null && reader.TryEnd()
            ? ParseResult<WriteCommand>.Ok(command)
            : ParseResult<WriteCommand>.Err(where.Describe(reader.Error));
    }
}
