using System.Buffers;

namespace Sync.MessagePack;

/// <summary>A growing buffer of pooled memory: scratch of one call on one thread. <see cref="Rent"/> and
/// <see cref="Dispose"/> keep one per thread and depth of use, so that the hot path allocates nothing.</summary>
internal sealed class PooledBytes : IBufferWriter<byte>, IDisposable
{
    private const int KeptBytesMax = 256 * 1024;

    // Two: a schema transcodes into one while it serializes into another. A third rent makes a new one.
    [ThreadStatic] private static PooledBytes? t_first;
    [ThreadStatic] private static PooledBytes? t_second;

    private byte[] _bytes = [];

    private PooledBytes() { }

    public int Count { get; private set; }

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Count);

    public ReadOnlyMemory<byte> WrittenMemory => _bytes.AsMemory(0, Count);

    public static PooledBytes Rent(int capacity)
    {
        var rented = t_first ?? t_second ?? new PooledBytes();
        if (rented == t_first) t_first = null;
        else t_second = null;
        rented.Count = 0;
        rented.Reserve(capacity);
        return rented;
    }

    public void Dispose()
    {
        if (_bytes.Length > KeptBytesMax)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = [];
        }
        if (t_first is null) t_first = this;
        else t_second ??= this;
    }

    /// <summary>Room for at least so many bytes behind what was written.</summary>
    public Span<byte> Reserve(int count)
    {
        if (_bytes.Length - Count < count) Grow(count);
        return _bytes.AsSpan(Count);
    }

    public void Add(byte value)
    {
        Reserve(1)[0] = value;
        Count++;
    }

    public void Add(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Reserve(bytes.Length));
        Count += bytes.Length;
    }

    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)(_bytes.Length - Count), nameof(count));
        Count += count;
    }

    /// <summary>Takes back what was written behind a length.</summary>
    public void CutTo(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)Count, nameof(count));
        Count = count;
    }

    /// <summary>Moves what was written from an offset on, to make room before it.</summary>
    public void Open(int offset, int count)
    {
        Reserve(count);
        _bytes.AsSpan(offset, Count - offset).CopyTo(_bytes.AsSpan(offset + count));
        Count += count;
    }

    public Span<byte> At(int offset) => _bytes.AsSpan(offset, Count - offset);

    public void CopyTo(IBufferWriter<byte> destination) => destination.Write(Written);

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(Math.Max(sizeHint, 256));
        return _bytes.AsMemory(Count);
    }

    public Span<byte> GetSpan(int sizeHint = 0) => Reserve(Math.Max(sizeHint, 256));

    private void Grow(int count)
    {
        var size = Math.Max(Math.Max(256, checked(Count + count)), (int)Math.Min(_bytes.Length * 2L, Array.MaxLength));
        var larger = ArrayPool<byte>.Shared.Rent(size);
        Written.CopyTo(larger);
        if (_bytes.Length > 0) ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = larger;
    }
}
