using Sync.Contracts;

namespace Sync.Ledger;

/// <summary>Owns one feed from the acquisition of its lease to its loss or release: carries out what a
/// <see cref="SequencerCore"/> decides.</summary>
/// <remarks>One loop owns the core; callers post to a bounded inbox, and the store's answers come back through the
/// same inbox. So everything below "Only for the loop" needs no lock. The properties that others read are single
/// words. The loop runs on the thread that posts, as long as nobody else carries it: a write begins its commit, and a
/// commit that returned gives its answers, without waking another thread. Whoever posts holds no lock.</remarks>
internal sealed partial class FeedOwner : IDisposable
{
    // What a caller's thread carries at most before the loop goes on without it.
    private const int BorrowedTurnsMax = 4;

    private static readonly TimeSpan TickEvery = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan ExpireEvery = TimeSpan.FromHours(1);
    private const int ExpireFactsMax = 10_000;

    private readonly NodeParts _parts;
    private readonly SequencerCore _core;
    private readonly FeedPublisher _publisher;
    private readonly LoopSignal _signal = new(isInline: true);
    private readonly FeedInbox _inbox;
    private readonly CancellationTokenSource _stop = new();
    private volatile bool _isTicked;
    private volatile int _queued;

    /// <param name="parts">What the node shares.</param>
    /// <param name="state">The feed under the lease just acquired.</param>
    /// <param name="asked">When it was asked for, by the steady clock.</param>
    public FeedOwner(NodeParts parts, FeedState state, TimeSpan asked)
    {
        _parts = parts;
        Feed = state.Lease.Feed;
        Epoch = state.Lease.Epoch;
        _core = new SequencerCore(state, parts.Store.Info.History, parts.Options, parts.Faults);
        _publisher = new FeedPublisher(parts, state);
        _inbox = new FeedInbox(parts.Options.QueuedWritesMax, _signal);
        _renewAt = parts.Clock.Steady + parts.Options.LeaseRenewEvery;
        _heldUntil = asked + parts.Options.LeaseTtl;
        _expireAt = parts.Clock.Steady + ExpireEvery;
    }

    public FeedId Feed { get; }

    public LeaseEpoch Epoch { get; private set; }

    public OwnedFeed Status
    {
        get
        {
            var (committed, handed, confirmed) = _publisher.Marks;
            return new(Feed, Epoch, committed, handed, confirmed, _queued);
        }
    }

    /// <summary>Takes a write in, or answers it at once.</summary>
    public void Submit(WriteRequest request)
    {
        var admission = _inbox.Post(request);
        if (admission != FeedInbox.Admission.Taken) TurnAway(request, admission);
    }

    /// <summary>Takes the writes of one request in together, so that one group can hold them all; those that there is no
    /// room for are answered at once.</summary>
    public void Submit(ReadOnlySpan<WriteRequest> requests)
    {
        var admission = _inbox.Post(requests, out var taken);
        foreach (var request in requests[taken..]) TurnAway(request, admission);
    }

    private void TurnAway(WriteRequest request, FeedInbox.Admission admission)
    {
        var answer = admission == FeedInbox.Admission.Full
            ? Refuse(request, new(RefusalCode.Overloaded, "The feed's inbox is full. Try again later."))
            : Refuse(request, new(RefusalCode.NoOwner, "This process does not own the feed. Try again."));
        if (answer.Result is { } result) request.Order?.Note(request.Command(0).Key, result);
        Answer(answer);
    }

    /// <summary>Admits no more, commits what waits, publishes it, releases the lease; then <see cref="RunAsync"/>
    /// ends.</summary>
    public void Stop() => _inbox.Post(() =>
    {
        _core.Stop();
        _drainUntil = _parts.Clock.Steady + _parts.Options.DrainTimeout;
    });

    /// <summary>Runs until the feed is lost or released. Never throws.</summary>
    public async Task RunAsync()
    {
        _publisher.Start();
        try
        {
            await using var timer = _parts.Clock.Provider.CreateTimer(_ =>
            {
                _isTicked = true;
                _signal.Set();
            }, null, TickEvery, TickEvery).ConfigureAwait(false);
            for (var turns = 0; !IsOver();)
            {
                var wait = _signal.WaitAsync();
                turns = wait.IsCompleted ? turns + 1 : 0;
                await wait.ConfigureAwait(false);
                if (turns >= BorrowedTurnsMax)
                {
                    turns = 0;
                    await Task.Yield();
                }
                _inbox.Drain(_core.Submit);
                if (_isTicked) Tick();
                Pump();
            }
        }
        catch (Exception exception)
        {
            _parts.Logger.LoopFailed(Feed, exception);
        }
        await EndAsync().ConfigureAwait(false);
    }

    public void Dispose()
    {
        _publisher.Dispose();
        _stop.Dispose();
    }

    private static WriteCompletion Refuse(WriteRequest request, Refusal refusal) => request.IsAtomic
        ? new(request, null, new AtomicResult.Refused(null, refusal))
        : new(request, new WriteResult.Refused(refusal), null);

    private void Answer(WriteCompletion completion)
    {
        if (completion.Result is { } result)
        {
            if (result is WriteResult.Refused refused) _parts.Metrics.Refused(refused.Refusal.Code);
            ((AwaitedWrite)completion.Request).Answer(result);
            return;
        }
        if (completion.Atomic is AtomicResult.Refused batch) _parts.Metrics.Refused(batch.Refusal.Code);
        ((PendingBatch)completion.Request).Answer(completion.Atomic!);
    }
}
