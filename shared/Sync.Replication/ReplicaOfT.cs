using System.Runtime.CompilerServices;
using Sync.Contracts;

namespace Sync.Replication;

/// <summary>The replica of one key: the shell around <see cref="ReplicaCore{T}"/>.
/// <para>Why it is safe: <c>_gate</c> is held for the core's step and the publication of what readers see, and never
/// while foreign code runs (but for the schema, which is pure). Inputs come from the transport's delivery thread and
/// from the hub; the gate puts them in an order, and that is the order of changes. Readers do not take it: value and
/// metadata are published together under a version number that is odd meanwhile (a seqlock), so a pair is never torn
/// and nothing is allocated. Order of locks: hub, then replica; the hub is called only outside the gate.</para>
/// <para>Observers and cells are told outside the gate by one thread at a time (<see cref="Announcer{T}"/>): they
/// see the changes in order, and a slow one never holds up the hub, for what the hub causes is told from the thread
/// pool.</para></summary>
/// <typeparam name="T">The model.</typeparam>
public sealed class Replica<T> : Replica
{
    private const int SpinsMax = 32;
    private readonly Lock _gate = new();
    private readonly ReplicaCore<T> _core;
    private readonly Announcer<T> _announcer;
    private readonly bool _isBackfilling;
    private readonly int _watchBufferMax;
    private List<TaskCompletionSource>? _idle;
    private TaskCompletionSource? _disposal;
    private ICell<T>? _cell;
    private ICell<ReplicaMetadata>? _metadataCell;
    private ReplicaState<T> _state = new(default, ReplicaMetadata.Initial);
    private int _stateVersion;

    internal Replica(ReplicaHub hub, ReplicaOptions<T> options, ReplicaRules rules) : base(hub, options.Key)
    {
        _core = new ReplicaCore<T>(options.Key, options.Schema, rules);
        _announcer = new Announcer<T>(_gate, this);
        (_isBackfilling, _watchBufferMax) = (rules.Gaps == GapPolicy.Backfill, options.WatchBufferMax);
        (_cell, _metadataCell) = (options.Cell, options.MetadataCell);
        if (_cell is not null) _announcer.Subscribe(new ValueToCell<T>(_cell));
        if (_metadataCell is not null) _announcer.Subscribe(new MetadataToCell<T>(_metadataCell));
        Changes = new ChangesOf(_announcer);
    }

    /// <summary>The last good value, untracked; default when there is none. To read it with its metadata use
    /// <see cref="State"/>.</summary>
    public T? Value => State.Value;

    /// <inheritdoc/>
    public override ReplicaMetadata Metadata => State.Metadata;

    /// <summary>Value and metadata of the same moment.</summary>
    public ReplicaState<T> State
    {
        get
        {
            for (var spin = 0; spin < SpinsMax; spin++)
            {
                var version = Volatile.Read(ref _stateVersion);
                if ((version & 1) != 0) continue;
                var state = _state;
                Volatile.ReadBarrier();
                if (version == Volatile.Read(ref _stateVersion)) return state;
            }
            lock (_gate) return _state; // its writer was interrupted half-way: wait for it
        }
    }

    /// <summary>The value as a cell, for tracked reads; the application's own if it gave one.</summary>
    public ICell<T> Cell => CellOf(ref _cell, state => state.Value, cell => new ValueToCell<T>(cell));

    /// <summary>The metadata as a cell, for tracked reads; the application's own if it gave one.</summary>
    public ICell<ReplicaMetadata> MetadataCell =>
        CellOf(ref _metadataCell, state => state.Metadata, cell => new MetadataToCell<T>(cell));

    /// <summary>Every change after a subscription, in order, on the thread that brought it: be quick, do not block.
    /// What an observer throws is counted and logged. Completes when the replica is disposed; never errs.</summary>
    public IObservable<ReplicaChange<T>> Changes { get; }

    /// <inheritdoc/>
    public override ReplicaCounters Counters
    {
        get
        {
            var counters = _core.Counters; // fields of 64 bits, each read whole; together a moment apart at most
            counters.ObserverErrors = _announcer.Errors;
            return counters;
        }
    }

    /// <summary>First how the replica stands, then every change, from a bounded buffer that keeps the
    /// newest.</summary>
    /// <param name="cancellation">Ends it with <see cref="OperationCanceledException"/>.</param>
    public async IAsyncEnumerable<ReplicaChange<T>> WatchAsync(
        [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        var watch = new ReplicaWatch<T>(_watchBufferMax);
        ReplicaState<T> current;
        IDisposable subscription;
        lock (_gate) (current, subscription) = (_state, _announcer.Subscribe(watch));
        using (subscription)
        {
            yield return new(ReplicaChangeKind.Current, current.Value, current.Metadata);
            await foreach (var change in watch.ReadAsync(cancellation).ConfigureAwait(false)) yield return change;
        }
    }

    /// <inheritdoc/>
    public override Task WhenIdleAsync(CancellationToken cancellation = default)
    {
        TaskCompletionSource waiter;
        lock (_gate)
        {
            if (_core.IsIdle || _disposal is not null) return Task.CompletedTask;
            waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            (_idle ??= []).Add(waiter);
        }
        return waiter.Task.WaitAsync(cancellation);
    }

    /// <inheritdoc/>
    public override void Expect(SchemaVersion version)
    {
        Turn turn;
        lock (_gate) turn = Take(_core.Expect(version));
        Finish(turn);
    }

    /// <inheritdoc/>
    public override ValueTask DisposeAsync()
    {
        Task quiet;
        List<TaskCompletionSource>? idle;
        lock (_gate)
        {
            if (_disposal is { } running) return new ValueTask(running.Task);
            _disposal = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _core.Dispose();
            quiet = _announcer.StopAsync();
            (idle, _idle) = (_idle, null);
        }
        idle?.ForEach(waiter => waiter.TrySetResult());
        return new ValueTask(EndAsync(_disposal, quiet));
    }

    internal override ReplicaMarks ReadMarks()
    {
        lock (_gate) return _core.Marks;
    }

    internal override bool Receive(Envelope envelope, EnvelopeOrigin origin)
    {
        Turn turn;
        lock (_gate)
        {
            var effects = _core.Receive(envelope, origin);
            if (effects == ReplicaEffects.None && !_isBackfilling) return false;
            turn = Take(effects);
        }
        Finish(turn);
        return (turn.Effects & (ReplicaEffects.Applied | ReplicaEffects.Cleared)) != 0;
    }

    /// <summary>Before the birth: what the seed asks for is asked when the subscription is confirmed.</summary>
    internal void Plant(Envelope seed)
    {
        Turn turn;
        lock (_gate) turn = Take(_core.Receive(seed, EnvelopeOrigin.Seed));
        turn.Effects &= ~ReplicaEffects.Refetch;
        Finish(turn);
    }

    internal override bool Answered(Envelope? envelope, Sequence have, HistoryId history, bool again)
    {
        Turn turn;
        lock (_gate)
        {
            turn = Take(_core.Answered(envelope, have, history, again));
        }
        Finish(turn, isHub: true);
        return (turn.Effects & ReplicaEffects.Settled) != 0;
    }

    internal override void RefetchFailed(bool isLast) => ByHub(core => core.RefetchFailed(isLast));

    internal override void RefetchBegan() => ByHub(core => core.RefetchBegan());

    internal override void Check(FeedPosition need, TimeSpan due) => ByHub(core => core.Check(need), due);

    internal override void TailGap(FeedPosition named) => ByHub(core => core.TailGap(named));

    internal override void BeatHeard() => ByHub(core => core.BeatHeard());

    internal override void HistoryReplaced(HistoryId history, TimeSpan due) =>
        ByHub(core => core.HistoryReplaced(history), due);

    internal override void HistoryEnded(int round, bool complete) => ByHub(core => core.HistoryEnded(round, complete));

    internal void ObserverFailed(Exception error) => Hub.Log.ObserverFailed(Key, error);

    private void ByHub(Func<ReplicaCore<T>, ReplicaEffects> step, TimeSpan due = default)
    {
        Turn turn;
        lock (_gate) turn = Take(step(_core));
        Finish(turn, isHub: true, due);
    }

    // Under the gate: publishes what the step did, and what it released.
    private Turn Take(ReplicaEffects effects)
    {
        var turn = default(Turn);
        Publish(effects, ref turn);
        while (_isBackfilling && _core.TryReleaseHeld(out var released)) Publish(released, ref turn);
        (turn.Have, turn.Need, turn.Round) = (_core.Have, _core.Need, _core.BackfillRound);
        (turn.Sequence, turn.Seen) = (_core.Sequence, _core.Seen);
        if (_idle is not null && _core.IsIdle) (turn.Idle, _idle) = (_idle, null);
        return turn;
    }

    private void Publish(ReplicaEffects effects, ref Turn turn)
    {
        const ReplicaEffects Visible =
            ReplicaEffects.Applied | ReplicaEffects.Cleared | ReplicaEffects.StatusChanged | ReplicaEffects.Reset;
        turn.Effects |= effects;
        if ((effects & Visible) == 0) return;
        var metadata = _core.Metadata;
        Volatile.Write(ref _stateVersion, _stateVersion + 1);
        Volatile.WriteBarrier();
        _state = new(_core.Value, metadata);
        Volatile.Write(ref _stateVersion, _stateVersion + 1);
        var kind = (effects & ReplicaEffects.Applied) != 0 ? ReplicaChangeKind.Applied
            : (effects & ReplicaEffects.Cleared) != 0 ? ReplicaChangeKind.Cleared
            : ReplicaChangeKind.Status;
        turn.MustTell |= _announcer.Add(new(kind, _core.Value, metadata), ref turn.First);
    }

    // Outside the gate: what the step asked for.
    private void Finish(in Turn turn, bool isHub = false, TimeSpan due = default)
    {
        if ((turn.Effects & ReplicaEffects.Refetch) != 0) Hub.Request(this, turn.Have, turn.Need, due);
        if ((turn.Effects & ReplicaEffects.FetchHistory) != 0)
            Hub.FetchHistory(this, turn.Sequence, turn.Seen, turn.Round);
        if ((turn.Effects & (ReplicaEffects.Refused | ReplicaEffects.Reset)) != 0) LogTrouble(turn.Effects);
        if (Volatile.Read(ref Waiters) > 0) Hub.Wake();
        turn.Idle?.ForEach(waiter => waiter.TrySetResult());
        if (!turn.MustTell) return;
        if (isHub) _announcer.TellLater(turn.First);
        else _announcer.Tell(turn.First);
    }

    // A stream of refused values is one line, not one each: only what begins or ends a recovery is logged.
    private void LogTrouble(ReplicaEffects effects)
    {
        if ((effects & ReplicaEffects.Reset) != 0) Hub.Log.HistoryReplaced(Key, _core.SeenAt.History);
        if ((effects & (ReplicaEffects.Refetch | ReplicaEffects.StatusChanged)) == 0) return;
        if ((effects & ReplicaEffects.Refused) != 0)
            Hub.Log.Refused(Key, _core.Seen, Metadata.Sequence, _core.LastError ?? "another schema major");
    }

    private async Task EndAsync(TaskCompletionSource disposal, Task quiet)
    {
        try
        {
            await Hub.CloseAsync(this).ConfigureAwait(false);
            await quiet.ConfigureAwait(false);
            _announcer.Complete();
        }
        finally
        {
            disposal.TrySetResult();
        }
    }

    // Made on first use: a replica that nobody tracks does not pay for a cell.
    private ICell<TCell> CellOf<TCell>(
        ref ICell<TCell>? field, Func<ReplicaState<T>, TCell?> pick,
        Func<ICell<TCell>, IObserver<ReplicaChange<T>>> follow)
    {
        lock (_gate)
        {
            if (field is not null) return field;
            field = new Cell<TCell>();
            field.Set(pick(_state));
            _announcer.Subscribe(follow(field));
            return field;
        }
    }

    private struct Turn
    {
        public ReplicaEffects Effects;
        public bool MustTell;
        public Announcer<T>.Item First;
        public Sequence Have, Sequence, Seen;
        public FeedPosition Need;
        public int Round;
        public List<TaskCompletionSource>? Idle;
    }

    private sealed class ChangesOf(Announcer<T> announcer) : IObservable<ReplicaChange<T>>
    {
        public IDisposable Subscribe(IObserver<ReplicaChange<T>> observer)
        {
            ArgumentNullException.ThrowIfNull(observer);
            return announcer.Subscribe(observer);
        }
    }
}
