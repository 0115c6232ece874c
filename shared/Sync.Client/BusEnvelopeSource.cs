using System.Buffers;
using Sync.Client.Internal;
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
    private readonly WriterRequests _requests = new(bus, timeout);

    /// <inheritdoc/>
    public async ValueTask<EnvelopeAnswer> GetManyAsync(
        string vault, IReadOnlyList<RefetchItem> items, CancellationToken cancellation = default)
    {
        var request = new ArrayBufferWriter<byte>(items.Count * 48);
        GetManyCodec.Encode(items, request);
        return await _requests.AskAsync(subjects.OfGetMany(vault), request.WrittenMemory, EnvelopeAnswerCodec.Decode, cancellation).ConfigureAwait(false);
    }

    /// <summary>The current envelopes of keys of several vaults of a group, as <see cref="GetManyAsync"/>; the answers are grouped by
    /// vault, in the order in which the vaults come first. Items of a vault without an answer, and those behind a vault's
    /// <see cref="EnvelopeAnswer.Answered"/>, did not fit: ask again.</summary>
    /// <param name="group">The group of all vaults.</param>
    /// <param name="items">At most <see cref="IEnvelopeSource.ItemsMax"/>.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="SyncException">No answer, or an error; transient ones say so.</exception>
    public async ValueTask<IReadOnlyList<VaultAnswer>> GetManyOfGroupAsync(
        string group, IReadOnlyList<GroupRefetchItem> items, CancellationToken cancellation = default)
    {
        var request = new ArrayBufferWriter<byte>(items.Count * 64);
        GetManyCodec.EncodeGroup(items, request);
        return await _requests.AskAsync(subjects.OfGroupGetMany(group), request.WrittenMemory, GroupAnswerCodec.Decode, cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<Envelope>> GetHistoryAsync(
        SyncedKey key, Sequence after, int limit, CancellationToken cancellation = default)
    {
        var request = new ArrayBufferWriter<byte>(64);
        HistoryCodec.Encode(new HistoryRequest(after, limit), request);
        var subject = subjects.OfRequest(RequestKind.History, key);
        var page = await _requests.AskAsync(subject, request.WrittenMemory, HistoryCodec.DecodePage, cancellation).ConfigureAwait(false);
        return [.. page.Facts.Select(fact => fact.ToEnvelope(page.History))];
    }
}
