using System.Buffers;
using Sync.Contracts;

namespace Sync.MessagePack;

/// <summary>A map or a sealed value, as its bytes.</summary>
internal sealed class DocumentSchema : SyncSchema<ReadOnlyMemory<byte>>
{
    private const sbyte SealedExtension = 100;

    public override ParseResult<ReadOnlyMemory<byte>> Parse(ReadOnlyMemory<byte> value)
    {
        var reader = new MsgPackReader(value.Span);
        if (reader.NextType == MsgPackType.Extension && reader.TryReadExtension(out var type, out _) && type != SealedExtension)
            return ParseResult<ReadOnlyMemory<byte>>.Err($"a document is a map or a sealed value (extension 100), not extension {type}");
        if (reader.Offset == 0 && reader.NextType is not (MsgPackType.Map or MsgPackType.Extension))
            return ParseResult<ReadOnlyMemory<byte>>.Err($"a document is a map or a sealed value (extension 100), not {reader.NextType}");
        return (reader.Offset > 0 || reader.TrySkip()) && reader.TryEnd()
            ? ParseResult<ReadOnlyMemory<byte>>.Ok(value)
            : ParseResult<ReadOnlyMemory<byte>>.Err(reader.Error.ToString());
    }

    public override void Write(ReadOnlyMemory<byte> value, IBufferWriter<byte> destination) => destination.Write(value.Span);
}
