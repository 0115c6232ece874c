using Sync.Contracts;
using Sync.Integration.Tests.Postgres;
using Sync.Ledger;
using Sync.Testing.Changefeeds;
using Sync.Transport;

namespace Sync.Integration.Tests.Changefeeds;

/// <summary>A node and a changefeed over a real database, as one process has them.</summary>
internal sealed class PostgresRig : ChangefeedRig
{
    private readonly ITransport _transport;
    private readonly bool _isFirst;
    private readonly ILedgerStore _store;
    private readonly Sync.Ledger.Changefeed _changefeed;
    private LedgerNode? _node;

    private PostgresRig(TestLedger ledger, ILedgerStore store, ITransport transport, ChangefeedOptions options, bool isFirst)
    {
        (Ledger, _store, _transport, _isFirst) = (ledger, store, transport, isFirst);
        _changefeed = new Sync.Ledger.Changefeed(store, transport, options);
    }

    public TestLedger Ledger { get; }

    public override IChangefeed Changefeed => _changefeed;

    public static async ValueTask<PostgresRig> StartAsync(string database, ChangefeedOptions options, ITransport? transport = null)
    {
        var ledger = await TestLedger.CreateAsync(database, feeds: 1);
        var rig = new PostgresRig(ledger, ledger.Store, transport ?? new InProcessTransport(), options, true);
        if (transport is null) await rig.OwnAsync();
        return rig;
    }

    /// <summary>Another process on the same database and bus.</summary>
    public async ValueTask<PostgresRig> JoinAsync(ChangefeedOptions options) =>
        new(Ledger, await Ledger.OpenAnotherAsync(), _transport, options, false);

    /// <summary>Begins to own the feed.</summary>
    public async Task OwnAsync()
    {
        if (_node is not null) return;
        _node = new LedgerNode(
            _store, _transport, new LedgerOptions { Owner = Guid.NewGuid().ToString("N") }, TimeProvider.System,
            new UuidV7Source(), changefeed: _changefeed);
        await _node.StartAsync();
    }

    /// <summary>Gives the feed back.</summary>
    public async Task DisownAsync()
    {
        if (_node is null) return;
        await _node.DisposeAsync();
        _node = null;
    }

    public override async Task<Receipt> WriteAsync(WriteCommand command) =>
        await _node!.WriteAsync(command) is WriteResult.Committed committed
            ? committed.Receipt
            : throw new InvalidOperationException("not committed");

    public override async ValueTask DisposeAsync()
    {
        await DisownAsync();
        await _changefeed.DisposeAsync();
        await _store.DisposeAsync();
        if (!_isFirst) return;
        await _transport.DisposeAsync();
    }
}
