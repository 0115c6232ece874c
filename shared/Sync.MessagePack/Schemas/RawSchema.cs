using System.Buffers;
using Sync.Contracts;

namespace Sync.MessagePack;

/// <summary>Any value, as its bytes.</summary>
internal sealed class RawSchema : SyncSchema<ReadOnlyMemory<byte>>
{
    public override ParseResult<ReadOnlyMemory<byte>> Parse(ReadOnlyMemory<byte> value) =>
        ParseResult<ReadOnlyMemory<byte>>.Ok(value);

    public override void Write(ReadOnlyMemory<byte> value, IBufferWriter<byte> destination) => destination.Write(value.Span);
}
