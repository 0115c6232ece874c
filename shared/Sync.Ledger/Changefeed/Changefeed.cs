using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Sync.Contracts;

namespace Sync.Ledger;

/// <summary>The changefeeds of a ledger in this process. Each reader pulls: recent changes from a tail in memory that
/// all readers of the feed share, older ones from the ledger. A feed that is owned here feeds its tail with its commits;
/// one that another process owns is read on when its beat says so, or at a slow poll, once for all its readers.</summary>
/// <remarks>Safe from any thread. A reader's core is used by its own loop only.</remarks>
public sealed class Changefeed : IChangefeed, IAsyncDisposable
{
    // Far enough below the largest number that a ledger can add to it.
    private const long PositionMax = long.MaxValue >> 1;

    private readonly ILedgerStore _store;
    private readonly ChangefeedOptions _options;
    private readonly TimeProvider _time;
    private readonly PlantedFaults _faults;
    private readonly ChangefeedMetrics _metrics;
    private readonly SemaphoreSlim _reads;
    private readonly FeedTail[] _tails;
    private readonly TailPump _pump;
    private readonly ConcurrentDictionary<FeedReader, FeedTail> _readers = [];
    private readonly CancellationTokenSource _stop = new();
    private int _readerCount;

    /// <summary>Begins to listen.</summary>
    /// <param name="store">The ledger; stays the caller's.</param>
    /// <param name="transport">Brings beats of feeds that others own; stays the caller's. Null = nobody else owns
    /// one, or the poll must do.</param>
    /// <param name="options">Limits; null = the defaults.</param>
    /// <param name="time">Null = the system's.</param>
    /// <param name="logger">Null = silent.</param>
    /// <param name="faults">For tests of the tests only; null = none.</param>
    /// <exception cref="SyncException">An option is wrong.</exception>
    public Changefeed(
        ILedgerStore store, ITransport? transport = null, ChangefeedOptions? options = null, TimeProvider? time = null,
        ILogger<Changefeed>? logger = null, PlantedFaults? faults = null)
    {
        ArgumentNullException.ThrowIfNull(store);
        _options = options ?? new ChangefeedOptions();
        _options.Validate();
        (_store, _time, _faults) = (store, time ?? TimeProvider.System, faults ?? PlantedFaults.None);
        _metrics = new ChangefeedMetrics(Readers);
        _reads = new SemaphoreSlim(_options.ReadsMax, _options.ReadsMax);
        _tails = new FeedTail[store.Info.Feeds];
        for (var feed = 0; feed < _tails.Length; feed++)
            _tails[feed] = new FeedTail(new(feed), store.Info.History, _options, _faults);
        _pump = new TailPump(
            _tails, store.Info.History, transport, ReadTailAsync, _options, _time,
            logger ?? NullLogger<Changefeed>.Instance);
        _pump.Start();
    }

    /// <summary>What was done since the start.</summary>
    public ChangefeedCounts Counts => _metrics.Counts(Volatile.Read(ref _readerCount));

    /// <summary>Who reads now; at most <see cref="ChangefeedOptions.ReadersMax"/>.</summary>
    public IEnumerable<ChangefeedReader> Readers() => _readers.Select(entry => entry.Key.Status());

    /// <inheritdoc/>
    public IAsyncEnumerable<FeedEvent> ReadAsync(FeedRequest request, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        return request.Check() is { } wrong ? throw Invalid(wrong) : RunAsync(request, cancellation);
    }

    /// <summary>Ends all reads.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested) return;
        await _stop.CancelAsync().ConfigureAwait(false);
        await _pump.DisposeAsync().ConfigureAwait(false);
        _metrics.Dispose();
    }

    internal void Committed(FeedId feed, IReadOnlyList<Fact> facts) => _tails[feed.Value].Committed(facts);

    internal void Owned(FeedId feed, Position position)
    {
        _tails[feed.Value].Own(position);
        _pump.Wake();
    }

    internal void Lost(FeedId feed)
    {
        _tails[feed.Value].Lose();
        _pump.PollNow();
    }

    private async IAsyncEnumerable<FeedEvent> RunAsync(
        FeedRequest request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _stop.Token);
        var tail = _tails[(await FeedOfAsync(request, over.Token).ConfigureAwait(false)).Value];
        var reader = Join(tail, request);
        try
        {
            var core = new ChangefeedCore(
                request, tail.Feed, _options.DropBehind, _options.ReachedPositions, _faults);
            while (true)
            {
                while (core.TryTake(out var told))
                {
                    reader.MovedTo(told.At.Position);
                    _metrics.Told(told);
                    yield return told;
                }
                if (core.After is { } cursor && core.IsPlaced) reader.MovedTo(cursor);
                try
                {
                    await NextAsync(core, tail, request.Filter, over.Token).ConfigureAwait(false);
                }
                catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
                {
                    throw new SyncException(SyncErrorCode.Stopped, "The changefeed is stopping.", true);
                }
            }
        }
        finally
        {
            Leave(tail, reader);
        }
    }

    private async ValueTask NextAsync(
        ChangefeedCore core, FeedTail tail, FeedFilter filter, CancellationToken cancellation)
    {
        if (core.IsAtHead && !await MovedAsync(core, tail, cancellation).ConfigureAwait(false))
        {
            core.Idle(_store.Info.History);
            return;
        }
        if (tail.TryRead(core.After, out var slice))
        {
            core.Receive(slice);
            return;
        }
        slice = await ReadAsync(core.After, tail.Feed, filter, cancellation).ConfigureAwait(false);
        core.Receive(slice);
        if (core.IsAtHead && tail.KeepFrom(core.Head)) _pump.Wake();
    }

    /// <returns>False when it is time to tell the reader where its cursor is.</returns>
    private async ValueTask<bool> MovedAsync(ChangefeedCore core, FeedTail tail, CancellationToken cancellation)
    {
        var moved = tail.MovedAsync(core.After!.Value);
        var wait = core.HasUntold ? _options.ReachedEvery : Timeout.InfiniteTimeSpan;
        try
        {
            await moved.WaitAsync(wait, _time, cancellation).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private async ValueTask<FeedId> FeedOfAsync(FeedRequest request, CancellationToken cancellation)
    {
        var (filter, feeds) = (request.Filter, _tails.Length);
        if (filter.Feed is { } given && given.Value >= feeds)
            throw Invalid($"there is no feed {given}; this ledger has the feeds 0 to {feeds - 1}");
        var feed = filter.Vault is { } vault
            ? await _store.FeedOfAsync(vault, cancellation).ConfigureAwait(false)
            : filter.Feed!.Value;
        if (filter.Feed is { } wanted && wanted != feed)
            throw Invalid($"vault {filter.Vault} is in feed {feed}, not in feed {wanted}");
        return request.After is { } after && after.Feed != feed
            ? throw Invalid($"the cursor is of feed {after.Feed}; what is asked for is in feed {feed}")
            : feed;
    }

    private async ValueTask<FeedSlice> ReadAsync(
        Position? cursor, FeedId feed, FeedFilter filter, CancellationToken cancellation)
    {
        await _reads.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            _metrics.Read();
            if (cursor is not { } given) return await StandAsync(feed, cancellation).ConfigureAwait(false);
            var after = given.Value <= PositionMax ? given : new Position(PositionMax);
            if (filter is { Vault: null, Group: null })
                return FeedSlice.Of(after, await _store
                    .ReadFeedAsync(feed, after, _options.PageFactsMax, _options.PageBytesMax, cancellation)
                    .ConfigureAwait(false));
            var scope = new SyncedPattern(filter.Group, filter.Vault, filter.Collection);
            return FeedSlice.Of(after, await _store
                .ChangesAsync(scope, feed, after, _options.PageFactsMax, _options.PageBytesMax, cancellation)
                .ConfigureAwait(false));
        }
        finally
        {
            _reads.Release();
        }
    }

    // Where the feed stands. Bounded by the number of feeds.
    private async ValueTask<FeedSlice> StandAsync(FeedId feed, CancellationToken cancellation)
    {
        var all = await _store.StatusAsync(cancellation).ConfigureAwait(false);
        var stand = all.First(one => one.Feed == feed);
        return new(_store.Info.History, stand.Floor, stand.Position, stand.Position, stand.Position, []);
    }

    private async Task ReadTailAsync(FeedTail tail)
    {
        var isMore = true;
        while (isMore)
        {
            var (known, end) = (tail.Known, tail.End);
            var slice = await ReadAsync(end, tail.Feed, new FeedFilter(tail.Feed), _stop.Token).ConfigureAwait(false);
            isMore = tail.Learn(slice, known);
        }
    }

    private FeedReader Join(FeedTail tail, FeedRequest request)
    {
        if (Interlocked.Increment(ref _readerCount) > _options.ReadersMax)
        {
            Interlocked.Decrement(ref _readerCount);
            throw new SyncException(
                SyncErrorCode.Exhausted,
                $"There are {_options.ReadersMax} readers of changefeeds already; come back later.", true);
        }
        var reader = new FeedReader(tail, request);
        _readers[reader] = tail;
        tail.Join();
        return reader;
    }

    private void Leave(FeedTail tail, FeedReader reader)
    {
        tail.Leave();
        _readers.TryRemove(reader, out _);
        Interlocked.Decrement(ref _readerCount);
    }

    private static SyncException Invalid(string what) => new(SyncErrorCode.Invalid, what + ".");
}
