using Sync.Contracts;
using Sync.Transport;

namespace Sync.Client.Internal;

/// <summary>Requests to the writers over the bus; errors are the one family of exceptions, and those from 500 on are transient.</summary>
internal sealed class WriterRequests(IBus bus, TimeSpan timeout)
{
    public async ValueTask<ReadOnlyMemory<byte>> AskAsync(string subject, ReadOnlyMemory<byte> request, CancellationToken cancellation)
    {
        var reply = await bus.RequestAsync(subject, request, null, timeout, cancellation).ConfigureAwait(false);
        return reply.IsError
            ? throw new SyncException(SyncErrorCode.Refused, $"{subject}: the writer answered {reply.ErrorCode} {reply.ErrorText}", reply.ErrorCode >= 500)
            : reply.Payload;
    }

    public static T Expect<T>(ParseResult<T> decoded) => decoded.IsOk
        ? decoded.Value
        : throw new SyncException(SyncErrorCode.Corrupt, "the writer's answer cannot be read: " + decoded.Error);
}
