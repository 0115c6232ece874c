using Sync.Contracts;

namespace Sync.Ledger;

/// <summary>Publishes one feed in order: a deterministic state machine without clock, task or random
/// source.</summary>
/// <remarks>
/// Three marks, each at most the one before: <see cref="Committed"/> (durable), <see cref="Handed"/> (given to the
/// connection), <see cref="Confirmed"/> (a flush behind it has shown that the broker has it, and a beat that covers
/// it).
/// <list type="number">
/// <item>Only <see cref="Confirmed"/> is saved. A new owner, and this one after any doubt about the connection,
/// starts again behind it: so a committed fact is published at least once, and no beat that named it is
/// missing.</item>
/// <item>A beat covers (last beat, handed]. So its position is never above the last envelope of the connection, and
/// the beats of one connection are a chain; after a restart the chain goes on from the confirmed position.</item>
/// <item>The answer to a flush counts only when nothing was restarted since it was asked for.</item>
/// </list>
/// <para>Memory: a bounded run of facts behind the confirmed position; what does not fit is read from the ledger.
/// When the buffer is full, a beat is sent early so that it can be confirmed and let go.</para>
/// </remarks>
public sealed class PublisherCore
{
    private readonly FeedId _feed;
    private readonly LedgerOptions _options;
    private readonly HistoryId _history;
    private readonly PlantedFaults _faults;
    private readonly PublishBuffer _buffer;
    private readonly BeatWindow _window = new();
    private LeaseEpoch _epoch;
    private Position _lastBeat;
    private Position _flushingBeat;
    private long _token;
    private long _flushToken;
    private long _readToken;
    private TimeSpan? _beatAt;
    private TimeSpan _changedAt;

    /// <summary>Starts to publish a feed.</summary>
    /// <param name="state">Where the feed stands; it begins behind the saved published position.</param>
    /// <param name="history">The ledger's history.</param>
    /// <param name="options">Limits and beat times.</param>
    /// <param name="faults">For the simulation only.</param>
    public PublisherCore(FeedState state, HistoryId history, LedgerOptions options, PlantedFaults? faults = null)
    {
        _feed = state.Lease.Feed;
        _epoch = state.Lease.Epoch;
        _history = history;
        _options = options;
        _faults = faults ?? PlantedFaults.None;
        Committed = state.Position;
        var start = state.Published < state.Position ? state.Published : state.Position;
        Handed = Confirmed = _lastBeat = start;
        _buffer = new PublishBuffer(start, options.PublishBufferFactsMax, options.PublishBufferBytesMax);
    }

    /// <summary>Last position known to be durable.</summary>
    public Position Committed { get; private set; }

    /// <summary>Last position given to the connection since the last restart.</summary>
    public Position Handed { get; private set; }

    /// <summary>Last position that a flush has confirmed together with a beat that covers it.</summary>
    public Position Confirmed { get; private set; }

    /// <summary>Facts kept in memory; at most <see cref="LedgerOptions.PublishBufferFactsMax"/>.</summary>
    public int Buffered => (int)(_buffer.End.Value - _buffer.Start.Value);

    /// <summary>What to save as the feed's published position.</summary>
    public Position ToSave => _faults.PublishedSavedBeforeFlush ? Handed : Confirmed;

    /// <summary>Facts became durable; kept in memory as far as they fit.</summary>
    /// <param name="facts">In feed order, behind what was given before.</param>
    public void Append(IReadOnlyList<Fact> facts)
    {
        foreach (var fact in facts) _buffer.TryAppend(fact);
        if (facts.Count > 0 && facts[^1].Position > Committed) Committed = facts[^1].Position;
    }

    /// <summary>The lease was taken anew: the feed stands where the state says.</summary>
    public void TakenOver(FeedState state)
    {
        _epoch = state.Lease.Epoch;
        if (state.Position > Committed) Committed = state.Position;
    }

    /// <summary>The next effect. Ask again until it is a wait, and after every input.</summary>
    /// <param name="steady">A clock that is never set: beat times.</param>
    /// <param name="wall">The clock that beats show.</param>
    public PublishStep Next(TimeSpan steady, Timestamp wall)
    {
        _beatAt ??= steady + _options.BeatEvery;
        if (IsBeatDue(steady))
        {
            var beat = TakeBeat(steady, wall);
            if (!_faults.NoBeats) return beat;
        }
        if (Handed < _buffer.End) return TakeEnvelope(steady);
        if (_flushToken == 0 && _lastBeat > Confirmed) return TakeFlush();
        if (_readToken == 0 && Handed < Committed && _buffer.HasRoom)
        {
            _readToken = ++_token;
            return new(PublishKind.Read, After: _buffer.End, Token: _readToken);
        }
        return new(PublishKind.Wait, WakeAt: NextBeatAt());
    }

    /// <summary>The answer to a flush.</summary>
    /// <param name="token">From its step.</param>
    /// <param name="isConfirmed">True when everything given before it is with the broker, under one unchanged
    /// connection.</param>
    public void FlushReturned(long token, bool isConfirmed)
    {
        if (token != _flushToken) return;
        _flushToken = 0;
        if (!isConfirmed && !_faults.FlushAcrossReconnect)
        {
            Restart();
            return;
        }
        Confirmed = _flushingBeat;
        _buffer.TrimTo(Confirmed);
    }

    /// <summary>The answer to a read: facts behind the asked position, dense; none when it did not work (it is asked
    /// again).</summary>
    public void ReadReturned(long token, IReadOnlyList<Fact> facts)
    {
        if (token != _readToken) return;
        _readToken = 0;
        foreach (var fact in facts) _buffer.TryAppend(fact);
    }

    /// <summary>The connection changed, or something given to it may be lost: starts again behind the confirmed
    /// position.</summary>
    public void Restart()
    {
        _flushToken = 0;
        if (_faults.ResumeFromHandedAfterReconnect) return;
        Handed = _lastBeat = Confirmed;
        _window.Clear();
    }

    // A full window or a full buffer cannot wait for quiet: the next envelope would exceed a bound.
    private bool IsBeatDue(TimeSpan steady)
    {
        if (_window.IsFull || (!_window.IsEmpty && Handed == _buffer.End && !_buffer.HasRoom)) return true;
        return steady >= NextBeatAt();
    }

    private TimeSpan NextBeatAt()
    {
        var quietAt = _window.IsEmpty ? TimeSpan.MaxValue : _changedAt + _options.BeatQuiet;
        return quietAt < _beatAt!.Value ? quietAt : _beatAt.Value;
    }

    private PublishStep TakeBeat(TimeSpan steady, Timestamp wall)
    {
        var position = _faults.BeatAheadOfEnvelopes ? Committed : Handed;
        var beat = new Beat
        {
            Feed = _feed,
            History = _history,
            Epoch = _epoch,
            Prev = _lastBeat,
            Position = position,
            Time = wall,
            Keys = _window.Keys(_lastBeat),
            Collections = _window.Collections(),
        };
        _window.Clear();
        _lastBeat = position;
        _beatAt = steady + _options.BeatEvery;
        return new(PublishKind.Beat, Beat: beat);
    }

    private PublishStep TakeEnvelope(TimeSpan steady)
    {
        Handed = Handed.Next;
        var fact = _buffer[Handed];
        _window.Add(fact);
        _changedAt = steady;
        return new(PublishKind.Envelope, Fact: fact);
    }

    private PublishStep TakeFlush()
    {
        _flushToken = ++_token;
        _flushingBeat = _lastBeat < Handed ? _lastBeat : Handed;
        return new(PublishKind.Flush, Token: _flushToken);
    }
}
