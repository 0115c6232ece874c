using Sync.Client;
using Sync.Client.Changefeeds;
using Sync.Contracts;
using Sync.Integration.Tests.Writer;
using Sync.Ledger;
using Sync.Testing.Changefeeds;
using Sync.Writer.Engine;

namespace Sync.Integration.Tests.Changefeeds;

/// <summary>A writer in this process, and its changefeed over HTTP.</summary>
internal sealed class HttpRig : ChangefeedRig
{
    private readonly SyncClient _client;
    private readonly ChangefeedClient _changefeed;

    private HttpRig(WriterUnderTest writer, ILedgerStore store)
    {
        (Writer, Store) = (writer, store);
        var options = OptionsOf(writer.Address);
        _client = new SyncClient(options);
        _changefeed = new ChangefeedClient(options);
    }

    public WriterUnderTest Writer { get; }

    public ILedgerStore Store { get; }

    public override IChangefeed Changefeed => _changefeed;

    public static SyncClientOptions OptionsOf(params Uri[] writers) =>
        new() { Writers = [.. writers.Select(writer => writer.ToString())], FeedSilenceMax = TimeSpan.FromSeconds(20) };

    public static async ValueTask<HttpRig> StartAsync(long history = 1, params string[] settings)
    {
        var store = new MemoryLedgerStore(
            TimeProvider.System, new MemoryLedgerOptions { Feeds = 1, History = new HistoryId(history) });
        var writer = await WriterUnderTest.StartAsync(
            new WriterParts { Store = store }, ["Nats:Url=inprocess", "Events:RetryMin=00:00:00.020", .. settings]);
        return new HttpRig(writer, store);
    }

    public override async Task<Receipt> WriteAsync(WriteCommand command) => await _client.WriteAsync(command) switch
    {
        WriteResult.Committed committed => committed.Receipt,
        var other => throw new InvalidOperationException(other.ToString()),
    };

    public override async ValueTask DisposeAsync()
    {
        _changefeed.Dispose();
        await _client.DisposeAsync();
        await Writer.DisposeAsync();
        await Store.DisposeAsync();
    }
}
