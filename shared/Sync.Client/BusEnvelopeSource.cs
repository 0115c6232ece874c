using System.Buffers;
using Sync.Contracts;
using Sync.MessagePack;
using Sync.Replication;
using Sync.Transport;

namespace Sync.Client;

/// <summary>The way back to the writer over the bus: <c>sync.getmany</c> and <c>sync.history</c>. Whichever writer of the queue
/// group answers first does. Safe from any thread.</summary>
/// <param name="bus">Stays the caller's.</param>
/// <param name="subjects">Where requests go.</param>
/// <param name="timeout">Time for one request.</param>
public sealed class BusEnvelopeSource(IBus bus, Subjects subjects, TimeSpan timeout) : IEnvelopeSource, IHistorySource
{
    /// <inheritdoc/>
    public async ValueTask<EnvelopeAnswer> GetManyAsync(
        string vault, IReadOnlyList<RefetchItem> items, CancellationToken cancellation = default)
    {
        var request = new ArrayBufferWriter<byte>(items.Count * 48);
        GetManyCodec.Encode(items, request);
        var payload = await AskAsync(subjects.OfGetMany(vault), request.WrittenMemory, cancellation).ConfigureAwait(false);
        return Expect(EnvelopeAnswerCodec.Decode(payload.Span));
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<Envelope>> GetHistoryAsync(
        SyncedKey key, Sequence after, int limit, CancellationToken cancellation = default)
    {
        var request = new ArrayBufferWriter<byte>(64);
        HistoryCodec.Encode(new HistoryRequest(after, limit), request);
        var subject = subjects.OfRequest(RequestKind.History, key);
        var payload = await AskAsync(subject, request.WrittenMemory, cancellation).ConfigureAwait(false);
        var page = Expect(HistoryCodec.DecodePage(payload.Span));
        return [.. page.Facts.Select(fact => fact.ToEnvelope(page.History))];
    }

    private async ValueTask<ReadOnlyMemory<byte>> AskAsync(string subject, ReadOnlyMemory<byte> request, CancellationToken cancellation)
    {
        var reply = await bus.RequestAsync(subject, request, null, timeout, cancellation).ConfigureAwait(false);
        return reply.IsError
            ? throw new SyncException(SyncErrorCode.Refused, $"{subject}: the writer answered {reply.ErrorCode} {reply.ErrorText}", reply.ErrorCode >= 500)
            : reply.Payload;
    }

    private static T Expect<T>(ParseResult<T> decoded) => decoded.IsOk
        ? decoded.Value
        : throw new SyncException(SyncErrorCode.Corrupt, "the writer's answer cannot be read: " + decoded.Error);
}
