namespace Sync.Simulation;

/// <summary>The bounded mailbox of one subscription, as the transports promise it: full, it keeps the newest message of each
/// key, at most three quarters of its size, and says so in front of what is left. A host that keeps up takes each message
/// at once; a slow one takes its time; one that never reads keeps what fits.</summary>
internal sealed class Mailbox(HostDriver host, int itemsMax, Action<BusMessage> deliver, Action overflowed)
{
    private readonly List<BusMessage> _waiting = [];
    private bool _isTurning;
    private bool _isOverflown;

    public bool IsEmpty => _waiting.Count == 0;

    public void Post(BusMessage message)
    {
        if (_waiting.Count == 0 && !_isOverflown && !host.IsSlow)
        {
            deliver(message);
            return;
        }
        if (_waiting.Count >= itemsMax && !host.World.ModelFaults.MailboxNotBounded) Shed();
        _waiting.Add(message);
        Bounds.Check("messages of a mailbox", _waiting.Count, itemsMax);
        Turn();
    }

    // From the newest to the oldest; order is kept.
    private void Shed()
    {
        var keepMax = Math.Max(1, itemsMax * 3 / 4);
        var kept = new List<BusMessage>(keepMax);
        for (var index = _waiting.Count - 1; index >= 0 && kept.Count < keepMax; index--)
            if (!kept.Exists(newer => newer.IsOfSameKeyAs(_waiting[index]))) kept.Add(_waiting[index]);
        kept.Reverse();
        _waiting.Clear();
        _waiting.AddRange(kept);
        if (_waiting.Count >= itemsMax) _waiting.RemoveAt(0);
        _isOverflown = true;
        host.World.Coverage.Add("slow consumer overflow");
    }

    private void Turn()
    {
        if (_isTurning || host.NeverReads) return;
        _isTurning = true;
        host.After(host.IsSlow ? host.Random.Between(5, 80) : TimeSpan.Zero, () =>
        {
            _isTurning = false;
            if (_isOverflown)
            {
                _isOverflown = false;
                overflowed();
            }
            if (_waiting.Count > 0)
            {
                var next = _waiting[0];
                _waiting.RemoveAt(0);
                deliver(next);
            }
            if (_waiting.Count > 0 || _isOverflown) Turn();
        });
    }
}
