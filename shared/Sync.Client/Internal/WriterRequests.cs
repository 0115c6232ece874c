using Sync.Contracts;
using Sync.Transport;

namespace Sync.Client.Internal;

/// <summary>Requests to the writers over the bus; errors are the one family of exceptions, and those from 500 on are transient.</summary>
internal sealed class WriterRequests(IBus bus, TimeSpan timeout)
{
    /// <param name="subject">Where to.</param>
    /// <param name="request">The question.</param>
    /// <param name="decode">Reads the answer; what it makes has no part in the bytes, which are given back behind it.</param>
    /// <param name="cancellation">Gives up.</param>
    public async ValueTask<T> AskAsync<T>(
        string subject, ReadOnlyMemory<byte> request, Decoder<T> decode, CancellationToken cancellation)
    {
        var reply = await bus.RequestAsync(subject, request, null, timeout, cancellation).ConfigureAwait(false);
        if (reply.IsError)
            throw new SyncException(
                SyncErrorCode.Refused, $"{subject}: the writer answered {reply.ErrorCode} {reply.ErrorText}", reply.ErrorCode >= 500);
        var decoded = decode(reply.Payload.Span);
        reply.Release();
        return decoded.IsOk
            ? decoded.Value
            : throw new SyncException(SyncErrorCode.Corrupt, "the writer's answer cannot be read: " + decoded.Error);
    }

    public delegate ParseResult<T> Decoder<T>(ReadOnlySpan<byte> bytes);
}
