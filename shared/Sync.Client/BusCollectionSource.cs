using System.Buffers;
using Sync.Client.Internal;
using Sync.Contracts;
using Sync.MessagePack;
using Sync.Transport;

namespace Sync.Client;

/// <summary>Where collection replicas load and catch up from, over the bus: <c>sync.snapshot</c>, <c>sync.changes</c> and
/// <c>sync.vaults</c>. Whichever writer of the queue group answers first does. Safe from any thread.</summary>
/// <param name="bus">Stays the caller's.</param>
/// <param name="subjects">Where requests go.</param>
/// <param name="timeout">Time for one request.</param>
public sealed class BusCollectionSource(IBus bus, Subjects subjects, TimeSpan timeout) : ICollectionSource
{
    private readonly WriterRequests _requests = new(bus, timeout);

    /// <inheritdoc/>
    public async ValueTask<SnapshotPage> SnapshotAsync(
        SyncedPattern scope, SnapshotRequest request, CancellationToken cancellation = default)
    {
        var body = new ArrayBufferWriter<byte>(64);
        SnapshotCodec.Encode(request, body);
        var subject = subjects.OfScope(RequestKind.Snapshot, scope);
        return await _requests.AskAsync(subject, body.WrittenMemory, SnapshotCodec.DecodePage, cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<ChangesPage> ChangesAsync(
        SyncedPattern scope, ChangesRequest request, CancellationToken cancellation = default)
    {
        var body = new ArrayBufferWriter<byte>(64);
        ChangesCodec.Encode(request, body);
        var subject = subjects.OfScope(RequestKind.Changes, scope);
        return await _requests.AskAsync(subject, body.WrittenMemory, ChangesCodec.DecodePage, cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<VaultsPage> VaultsAsync(
        string group, VaultsRequest request, CancellationToken cancellation = default)
    {
        var body = new ArrayBufferWriter<byte>(64);
        VaultsCodec.Encode(request, body);
        return await _requests.AskAsync(subjects.OfVaults(group), body.WrittenMemory, VaultsCodec.DecodePage, cancellation).ConfigureAwait(false);
    }
}
