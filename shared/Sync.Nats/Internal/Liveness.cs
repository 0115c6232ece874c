namespace Sync.Nats.Internal;

/// <summary>
/// Finds out that the peer is gone, by the time since the last inbound bytes, on a timer of its own: it never goes
/// through the send path (its PING only joins the buffer) and closes the socket itself, so it works when a send hangs
/// for ever. Silence counts only while the read loop is waiting for bytes: a slow callback is no dead peer.
/// </summary>
internal sealed class Liveness : IDisposable
{
    private readonly Session _session;
    private readonly SendBuffer _buffer;
    private readonly int _maxPingOut;
    private readonly ITimer _timer;
    private long _readsSeen;
    private int _missed;

    public Liveness(Session session, SendBuffer buffer, NatsOpts opts)
    {
        (_session, _buffer, _maxPingOut) = (session, buffer, opts.MaxPingOut);
        _timer = opts.TimeProvider.CreateTimer(_ => Tick(), null, opts.PingInterval, opts.PingInterval);
    }

    public void Dispose() => _timer.Dispose();

    private void Tick()
    {
        var reads = _session.Reads;
        if (reads != _readsSeen || !_session.IsWaitingForBytes)
        {
            (_readsSeen, _missed) = (reads, 0);
            return;
        }

        if (_missed >= _maxPingOut)
        {
            _session.End(new NatsException(NatsError.ConnectionLost, $"The server left {_missed} pings unanswered"));
            return;
        }

        _missed++;
        _buffer.AppendPing();
    }
}
