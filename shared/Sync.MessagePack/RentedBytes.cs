using System.Buffers;

namespace Sync.MessagePack;

/// <summary>A message in pooled memory, for those too large to be made anew each time. Whoever holds it disposes it once,
/// after the last look at its bytes; one that is never disposed is only lost to the pool.</summary>
public sealed class RentedBytes : IMemoryOwner<byte>
{
    private readonly int _count;
    private byte[]? _bytes;

    internal RentedBytes(ReadOnlySpan<byte> bytes)
    {
        (_bytes, _count) = (ArrayPool<byte>.Shared.Rent(bytes.Length), bytes.Length);
        bytes.CopyTo(_bytes);
    }

    /// <summary>Exactly the message.</summary>
    /// <exception cref="ObjectDisposedException">It was given back.</exception>
    public Memory<byte> Memory
    {
        get
        {
            ObjectDisposedException.ThrowIf(_bytes is null, this);
            return _bytes.AsMemory(0, _count);
        }
    }

    /// <summary>Gives the memory back. Idempotent.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _bytes, null) is { } bytes) ArrayPool<byte>.Shared.Return(bytes);
    }
}
