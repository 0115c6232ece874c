using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Sync.Contracts;

namespace Sync.Ledger;

/// <summary>This process's part in a ledger: owns feeds as far as they are free, sequences their writes, publishes
/// their facts. Reads go to <see cref="Store"/>, whoever owns the feed.</summary>
/// <remarks>
/// How feeds spread: a node takes only feeds that are free or expired, one at a time, and waits longer the more it
/// has (<see cref="LedgerOptions.AcquireStagger"/>). So nodes that start together share; a newcomer gets what is
/// free; nothing moves while its owner lives. Each node begins its round at another feed (by the checksum of its
/// name).
/// <para>Safe from any thread: the owners are an array of references that only the round's loop writes.</para>
/// </remarks>
public sealed class LedgerNode : IAsyncDisposable
{
    private readonly NodeParts _parts;
    private readonly FeedOwner?[] _owners;
    private readonly Task[] _ownerLoops;
    private readonly LedgerMetrics _metrics;
    private readonly CancellationTokenSource _stop = new();
    private Task _round = Task.CompletedTask;

    /// <summary>Prepares a node; <see cref="StartAsync"/> lets it own feeds.</summary>
    /// <param name="store">The substrate; disposed by whoever made it.</param>
    /// <param name="transport">Where facts are published; best a connection of its own. Disposed by whoever made
    /// it.</param>
    /// <param name="options">Limits and the owner's name.</param>
    /// <param name="time">Wall clock, steady clock and timers.</param>
    /// <param name="ids">Fact ids.</param>
    /// <param name="logger">Null = silent.</param>
    /// <param name="faults">For the simulation only; null = none.</param>
    /// <param name="changefeed">Is told what is committed here; disposed by whoever made it. Null = nobody reads
    /// one.</param>
    /// <exception cref="SyncException">An option is wrong.</exception>
    public LedgerNode(
        ILedgerStore store, ITransport transport, LedgerOptions options, TimeProvider time, IIdSource ids,
        ILogger<LedgerNode>? logger = null, PlantedFaults? faults = null, Changefeed? changefeed = null)
    {
        options.Validate();
        _metrics = new LedgerMetrics(Owned);
        _parts = new NodeParts(
            store, transport, options, new LedgerClock(time), ids, logger ?? NullLogger<LedgerNode>.Instance, _metrics,
            faults ?? PlantedFaults.None, changefeed);
        _owners = new FeedOwner?[store.Info.Feeds];
        _ownerLoops = new Task[_owners.Length];
        Array.Fill(_ownerLoops, Task.CompletedTask);
    }

    /// <summary>Raised when this process begins or ceases to own a feed, on a loop of the node: handlers return
    /// quickly.</summary>
    public event EventHandler<FeedOwnership>? OwnershipChanged;

    /// <summary>The substrate: for reads.</summary>
    public ILedgerStore Store => _parts.Store;

    /// <summary>True while this process owns a feed.</summary>
    public bool Owns(FeedId feed) => Volatile.Read(ref _owners[feed.Value]) is not null;

    /// <summary>The feeds that this process owns now.</summary>
    public IReadOnlyList<OwnedFeed> Owned()
    {
        var owned = new List<OwnedFeed>(_owners.Length);
        for (var index = 0; index < _owners.Length; index++)
            if (Volatile.Read(ref _owners[index]) is { } owner) owned.Add(owner.Status);
        return owned;
    }

    /// <summary>All feeds of the ledger, whoever owns them, as the store has them.</summary>
    public ValueTask<IReadOnlyList<FeedStatus>> StatusAsync(CancellationToken cancellation = default) =>
        _parts.Store.StatusAsync(cancellation);

    /// <summary>Begins to own feeds. The first round is over when it completes.</summary>
    public async Task StartAsync(CancellationToken cancellation = default)
    {
        await AcquireFreeFeedsAsync(cancellation).ConfigureAwait(false);
        _round = Task.Run(RunRoundsAsync, CancellationToken.None);
    }

    /// <summary>Admits no more writes, commits and publishes what waits (bounded by
    /// <see cref="LedgerOptions.DrainTimeout"/>), releases the leases. Safe to repeat.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _round.ConfigureAwait(false);
        for (var index = 0; index < _owners.Length; index++) Volatile.Read(ref _owners[index])?.Stop();
        await Task.WhenAll(_ownerLoops).ConfigureAwait(false);
    }

    /// <summary>Commits one write. Expected outcomes are returned, also that this process does not own the vault's
    /// feed (<see cref="RefusalCode.NoOwner"/>).</summary>
    /// <param name="command">Names, sizes and value are checked already.</param>
    /// <param name="cancellation">Stops waiting: the outcome is then unknown.</param>
    public async ValueTask<WriteResult> WriteAsync(WriteCommand command, CancellationToken cancellation = default)
    {
        var feed = await _parts.Store.FeedOfAsync(command.Key.Vault, cancellation).ConfigureAwait(false);
        return await WriteAsync(feed, command, order: null, cancellation).ConfigureAwait(false);
    }

    /// <summary>As <see cref="WriteAsync(WriteCommand, CancellationToken)"/> for a caller that knows the vault's feed
    /// from <see cref="ILedgerStore.FeedOfAsync"/>: the write is in the feed's queue when the call returns, so writes
    /// keep the order of the calls.</summary>
    /// <param name="feed">The feed of the command's vault.</param>
    /// <param name="command">Names, sizes and value are checked already.</param>
    /// <param name="order">Shared by the writes of one request to the feed; null = this one stands alone.</param>
    /// <param name="cancellation">Stops waiting: the outcome is then unknown.</param>
    public async ValueTask<WriteResult> WriteAsync(
        FeedId feed, WriteCommand command, WriteOrder? order = null, CancellationToken cancellation = default)
    {
        if (Volatile.Read(ref _owners[feed.Value]) is not { } owner)
        {
            var refused = new WriteResult.Refused(NotOwned(feed));
            order?.Note(command.Key, refused);
            return refused;
        }
        var pending = new PendingWrite(command, _parts.Clock.Steady + _parts.Options.WriteTimeout, order);
        owner.Submit(pending);
        using var registration = cancellation.UnsafeRegister(static state =>
            ((PendingWrite)state!).Answer(new WriteResult.Unknown("The caller stopped waiting.")), pending);
        var result = await pending.Task.ConfigureAwait(false);
        if (result is not WriteResult.Refused { Refusal: var refusal }) return result;
        if (refusal.Code != RefusalCode.ExpectedSequenceDiffers) return result;
        return new WriteResult.Refused(await WithCurrentAsync(refusal, command.Key, cancellation).ConfigureAwait(false));
    }

    /// <summary>The writes of one request to one feed, each decided for itself: as many calls of <see
    /// cref="WriteAsync(FeedId, WriteCommand, WriteOrder?, CancellationToken)"/>, but taken in together, so that one
    /// commit can hold them all, and answered together. There is no cancellation: each has an outcome before its
    /// deadline.</summary>
    /// <param name="feed">The feed of all the commands' vaults.</param>
    /// <param name="commands">Names, sizes and values are checked already.</param>
    /// <param name="order">Shared by all writes of the request to the feed.</param>
    /// <returns>The results, parallel to the commands.</returns>
    public async ValueTask<IReadOnlyList<WriteResult>> WriteAllAsync(
        FeedId feed, IReadOnlyList<WriteCommand> commands, WriteOrder order)
    {
        if (commands.Count == 0) return [];
        if (Volatile.Read(ref _owners[feed.Value]) is not { } owner)
        {
            var refused = new WriteResult.Refused(NotOwned(feed));
            foreach (var command in commands) order.Note(command.Key, refused);
            return [.. Enumerable.Repeat(refused, commands.Count)];
        }
        var pending = new PendingWrites(commands, _parts.Clock.Steady + _parts.Options.WriteTimeout, order);
        owner.Submit(pending.Requests);
        await pending.Task.ConfigureAwait(false);
        var results = pending.Results;
        for (var index = 0; index < results.Length; index++)
        {
            if (results[index] is not WriteResult.Refused { Refusal: { Code: RefusalCode.ExpectedSequenceDiffers } refusal }) continue;
            refusal = await WithCurrentAsync(refusal, commands[index].Key, CancellationToken.None).ConfigureAwait(false);
            results[index] = new WriteResult.Refused(refusal);
        }
        return results;
    }

    /// <summary>Commits a list of writes of one feed, all or nothing.</summary>
    /// <param name="commands">1 to <see cref="LedgerOptions.GroupFactsMax"/>, together at most
    /// <see cref="LedgerOptions.GroupBytesMax"/>.</param>
    /// <param name="cancellation">Stops waiting: the outcome is then unknown.</param>
    public async ValueTask<AtomicResult> WriteAtomicAsync(
        IReadOnlyList<WriteCommand> commands, CancellationToken cancellation = default)
    {
        FeedId? only = null;
        for (var index = 0; index < commands.Count; index++)
        {
            var feed = await _parts.Store.FeedOfAsync(commands[index].Key.Vault, cancellation).ConfigureAwait(false);
            if (only is null) only = feed;
            else if (feed != only) return new AtomicResult.Refused(index, OtherFeed(feed, only.Value));
        }
        if (only is null) return new AtomicResult.Refused(null, new(RefusalCode.InvalidBatch, "The batch is empty."));
        if (Volatile.Read(ref _owners[only.Value.Value]) is not { } owner)
            return new AtomicResult.Refused(null, NotOwned(only.Value));
        var pending = new PendingBatch(commands, _parts.Clock.Steady + _parts.Options.WriteTimeout);
        owner.Submit(pending);
        using var registration = cancellation.UnsafeRegister(static state =>
            ((PendingBatch)state!).Answer(new AtomicResult.Unknown("The caller stopped waiting.")), pending);
        var result = await pending.Task.ConfigureAwait(false);
        if (result is not AtomicResult.Refused { Line: { } line, Refusal: var refusal }) return result;
        if (refusal.Code != RefusalCode.ExpectedSequenceDiffers) return result;
        refusal = await WithCurrentAsync(refusal, commands[line].Key, cancellation).ConfigureAwait(false);
        return new AtomicResult.Refused(line, refusal);
    }

    /// <summary>Stops.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        _metrics.Dispose();
    }

    private static Refusal NotOwned(FeedId feed) =>
        new(RefusalCode.NoOwner, $"This process does not own feed {feed}. Try again.");

    private static Refusal OtherFeed(FeedId feed, FeedId only) =>
        new(RefusalCode.InvalidBatch,
            $"The line is in feed {feed}, the lines before it in feed {only}; an atomic batch has one feed.");

    // The refusal is certain already; without the current record the client only has one read more to do.
    private async ValueTask<Refusal> WithCurrentAsync(Refusal refusal, SyncedKey key, CancellationToken cancellation)
    {
        try
        {
            var fact = await _parts.Store.GetAsync(key, AsOf.Now, cancellation).ConfigureAwait(false);
            return refusal with { Current = fact?.ToEnvelope(_parts.Store.Info.History) };
        }
        catch (Exception exception) when (exception is SyncException or OperationCanceledException)
        {
            return refusal;
        }
    }

    private async Task RunRoundsAsync()
    {
        using var timer = new PeriodicTimer(_parts.Options.AcquireEvery, _parts.Clock.Provider);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false))
            {
                try
                {
                    await AcquireFreeFeedsAsync(_stop.Token).ConfigureAwait(false);
                }
                catch (Exception exception) when (!_stop.IsCancellationRequested)
                {
                    _parts.Logger.AcquireFailed(exception);
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
        }
    }

    private async Task AcquireFreeFeedsAsync(CancellationToken cancellation)
    {
        var status = await _parts.Store.StatusAsync(cancellation).ConfigureAwait(false);
        var first = (int)(Crc32.Of(_parts.Options.Owner) % (uint)_owners.Length);
        for (var step = 0; step < status.Count; step++)
        {
            var feed = status[(first + step) % status.Count];
            var isFree = feed.Owner is null || feed.Owner == _parts.Options.Owner || feed.LeaseLeft <= TimeSpan.Zero;
            if (!isFree || Owns(feed.Feed)) continue;
            var wait = _parts.Options.AcquireStagger * Owned().Count;
            if (wait > TimeSpan.Zero) await Task.Delay(wait, _parts.Clock.Provider, cancellation).ConfigureAwait(false);
            var asked = _parts.Clock.Steady;
            var state = await _parts.Store
                .AcquireAsync(feed.Feed, _parts.Options.Owner, _parts.Options.LeaseTtl, cancellation)
                .ConfigureAwait(false);
            if (state is not null) Own(state, asked);
        }
    }

    private void Own(FeedState state, TimeSpan asked)
    {
        var owner = new FeedOwner(_parts, state, asked);
        _parts.Metrics.TakenOver();
        _parts.Logger.Owned(owner.Feed, owner.Epoch, state.Position, state.Published);
        _parts.Changefeed?.Owned(owner.Feed, state.Position);
        Volatile.Write(ref _owners[owner.Feed.Value], owner);
        Raise(new FeedOwnership(owner.Feed, owner.Epoch, true));
        _ownerLoops[owner.Feed.Value] = Task.Run(async () =>
        {
            await owner.RunAsync().ConfigureAwait(false);
            Volatile.Write(ref _owners[owner.Feed.Value], null);
            _parts.Changefeed?.Lost(owner.Feed);
            Raise(new FeedOwnership(owner.Feed, owner.Epoch, false));
            owner.Dispose();
        });
    }

    private void Raise(FeedOwnership change)
    {
        try
        {
            OwnershipChanged?.Invoke(this, change);
        }
        catch (Exception exception)
        {
            _parts.Logger.OwnershipHandlerFailed(exception);
        }
    }
}
