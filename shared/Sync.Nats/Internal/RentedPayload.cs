using System.Buffers;

namespace Sync.Nats.Internal;

/// <summary>
/// A copy of a large payload in pooled memory: arrays of its size are of the large-object heap, where each new one
/// brings the next full collection nearer. Safe from any thread: the array is given back by one exchange, once.
/// </summary>
internal sealed class RentedPayload : IDisposable
{
    /// <summary>From here on an array is a large object.</summary>
    public const int BytesMin = 85_000;

    private byte[]? _bytes;

    public RentedPayload(ReadOnlySpan<byte> payload)
    {
        _bytes = ArrayPool<byte>.Shared.Rent(payload.Length);
        payload.CopyTo(_bytes);
        Memory = _bytes.AsMemory(0, payload.Length);
    }

    public ReadOnlyMemory<byte> Memory { get; }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _bytes, null) is { } bytes)
            ArrayPool<byte>.Shared.Return(bytes);
    }
}
