using System.Threading.Channels;
using Sync.Contracts;
using Sync.Hosting;
using Sync.Ledger;
using Sync.Transport;
using Sync.Writer.Engine;

namespace Sync.Writer.Bus;

/// <summary>The door on the bus: answers requests for anybody on the writers' queue group, and forwarded writes only
/// for feeds that this process owns. One loop subscribes and unsubscribes; ownership changes only wake it, and it
/// then compares what is owned with what is served.</summary>
internal sealed class BusDoor(
    WriterEngine engine, BusAnswers answers, ScopeAnswers scopes, WriterOptions options, TimeProvider time, Random random,
        ILogger<BusDoor> logger)
    : IAsyncDisposable
{
    // One waiting signal says all that many would say.
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly List<IAsyncDisposable> _general = [];
    private readonly Dictionary<FeedId, IAsyncDisposable> _owned = [];
    private readonly CancellationTokenSource _stop = new();
    private Task _loop = Task.CompletedTask;
    private volatile bool _isServing;
    private int _isDisposed;

    /// <summary>True once requests for anybody are answered; a reconnect keeps it, with the subscriptions.</summary>
    public bool IsServing => _isServing;

    private ServeOptions Bounds => new()
    {
        ConcurrencyMax = options.BusConcurrencyMax,
        DrainTimeout = options.StopTimeout,
    };

    public Task RunAsync(LedgerNode node, CancellationToken cancellation)
    {
        node.OwnershipChanged += (_, _) => _wake.Writer.TryWrite(true);
        _loop = Task.Run(() => LoopAsync(node, cancellation), CancellationToken.None);
        return Task.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0) return;
        await _stop.CancelAsync();
        await _loop;
        await Task.WhenAll(_general.Concat(_owned.Values).Select(one => one.DisposeAsync().AsTask()));
        _stop.Dispose();
    }

    private async Task LoopAsync(LedgerNode node, CancellationToken cancellation)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _stop.Token);
        var backoff = new Backoff(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(5), random);
        try
        {
            while (true)
            {
                try
                {
                    await ServeGeneralAsync(either.Token);
                    _isServing = true;
                    await ServeOwnedAsync(node, either.Token);
                    backoff.Reset();
                    await _wake.Reader.ReadAsync(either.Token);
                }
                catch (Exception error) when (!either.IsCancellationRequested)
                {
                    var wait = backoff.Next();
                    WriterLog.BusWaiting(logger, backoff.Attempt, wait, error.Message);
                    await Task.Delay(wait, time, either.Token);
                }
            }
        }
        catch (OperationCanceledException) when (either.IsCancellationRequested)
        {
        }
    }

    private async Task ServeGeneralAsync(CancellationToken cancellation)
    {
        (RequestKind Kind, BusHandler Handler)[] all =
        [
            (RequestKind.Get, answers.GetAsync), (RequestKind.GetMany, answers.GetManyAsync),
            (RequestKind.Put, answers.PutAsync), (RequestKind.History, answers.HistoryAsync),
            (RequestKind.Snapshot, scopes.SnapshotAsync), (RequestKind.Changes, scopes.ChangesAsync),
            (RequestKind.Vaults, scopes.VaultsAsync), (RequestKind.Append, answers.AppendAsync),
        ];
        // A failure half-way goes on from there at the next attempt.
        if (_general.Count == all.Length) return;
        for (var index = _general.Count; index < all.Length; index++)
            _general.Add(await engine.Bus.ServeAsync(
                Subjects.Default.AllOf(all[index].Kind), Subjects.WriterQueueGroup, all[index].Handler, Bounds,
                    cancellation));
        WriterLog.BusServed(logger);
    }

    private async Task ServeOwnedAsync(LedgerNode node, CancellationToken cancellation)
    {
        foreach (var (feed, served) in _owned.ToArray())
        {
            if (node.Owns(feed)) continue;
            _owned.Remove(feed);
            await served.DisposeAsync();
        }
        foreach (var owned in node.Owned())
        {
            if (_owned.ContainsKey(owned.Feed)) continue;
            _owned[owned.Feed] = await engine.Bus.ServeAsync(
                Subjects.Default.OfOwn(owned.Feed), Subjects.WriterQueueGroup, answers.OwnAsync, Bounds, cancellation);
        }
    }
}
