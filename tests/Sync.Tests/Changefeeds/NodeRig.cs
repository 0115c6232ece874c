using Sync.Contracts;
using Sync.Ledger;
using Sync.Testing.Changefeeds;
using Sync.Transport;

namespace Sync.Tests.Changefeeds;

/// <summary>A node and a changefeed in this process on a memory ledger.</summary>
internal sealed class NodeRig : ChangefeedRig
{
    private readonly InProcessTransport _transport = new();
    private readonly Sync.Ledger.Changefeed _changefeed;
    private readonly LedgerNode _node;

    private NodeRig(ILedgerStore store, ChangefeedOptions options, TimeProvider time, PlantedFaults? faults)
    {
        Store = store;
        _changefeed = new Sync.Ledger.Changefeed(store, _transport, options, time, faults: faults);
        _node = new LedgerNode(
            store, _transport, new LedgerOptions { Owner = "one" }, TimeProvider.System, new UuidV7Source(),
            changefeed: _changefeed);
    }

    public ILedgerStore Store { get; }

    public ITransport Transport => _transport;

    public LedgerNode Node => _node;

    public override IChangefeed Changefeed => _changefeed;

    public Sync.Ledger.Changefeed Local => _changefeed;

    public static async ValueTask<NodeRig> StartAsync(
        ChangefeedOptions? options = null, ILedgerStore? store = null, TimeProvider? time = null,
        PlantedFaults? faults = null, bool owns = true)
    {
        store ??= new MemoryLedgerStore(TimeProvider.System, new MemoryLedgerOptions { Feeds = 1 });
        var rig = new NodeRig(store, options ?? new ChangefeedOptions(), time ?? TimeProvider.System, faults);
        if (owns) await rig._node.StartAsync();
        return rig;
    }

    public override async Task<Receipt> WriteAsync(WriteCommand command) =>
        await _node.WriteAsync(command) is WriteResult.Committed committed
            ? committed.Receipt
            : throw new InvalidOperationException("not committed");

    public override async ValueTask DisposeAsync()
    {
        await _node.DisposeAsync();
        await _changefeed.DisposeAsync();
        await _transport.DisposeAsync();
    }
}
