using Sync.Contracts;

namespace Sync.Simulation;

/// <summary>A host's connection: in order for each subscription, in any order between them; what the host does not take
/// while it stands still, the broker keeps up to a bound, then it drops the connection.</summary>
internal sealed class HostLink(World world, HostDriver host)
{
    private const int BacklogMax = 40;
    private readonly Dictionary<SyncedKey, Subscription> _keys = [];
    private readonly List<Subscription> _scopes = [];
    private readonly Subscription _beats = new(default, new Mailbox(
        host, world.Plan.MailboxMax, message => host.Receive(message.Beat!), host.BeatsOverflowed));
    private long _backlog;

    public HostDriver Host => host;

    public long Epoch { get; private set; } = 1;

    public bool IsUp { get; private set; } = true;

    /// <summary>Nothing arrives from the bus.</summary>
    public bool IsDeaf { get; set; }

    /// <summary>Nothing arrives at the bus.</summary>
    public bool IsMute { get; set; }

    public void Subscribe(SyncedKey key) => _keys.TryAdd(key, new(default, new Mailbox(
        host, world.Plan.MailboxMax, message => Receive(key, message.Envelope!), () => host.Overflowed(key))));

    public void Unsubscribe(SyncedKey key) => _keys.Remove(key);

    public void Subscribe(CollectionDriver collection) => _scopes.Add(new(collection, new Mailbox(
        host, world.Plan.MailboxMax, message => collection.Receive(message.Envelope!), collection.Disrupted)));

    public void Unsubscribe(CollectionDriver collection) =>
        _scopes.RemoveAll(subscription => subscription.Collection == collection);

    public void Cut()
    {
        if (!IsUp) return;
        (IsUp, Epoch, _backlog) = (false, Epoch + 1, 0);
        world.Schedule.After(host.Random.Between(5, 400), Connect);
    }

    /// <summary>What was subscribed is subscribed again, and the host is told that it may have missed
    /// something.</summary>
    public void Connect()
    {
        if (IsUp) return;
        IsUp = true;
        host.Enter(host.Reconnected);
    }

    public void Carry(BusMessage message)
    {
        if (!IsUp || IsDeaf) return;
        if (message.Envelope is not { } envelope)
        {
            Carry(message, _beats, FaultKinds.DropBeats, "lost beat");
            return;
        }
        if (_keys.TryGetValue(envelope.Key, out var own)) Carry(message, own, FaultKinds.Drop, "lost envelope");
        foreach (var scope in _scopes)
            if (scope.Collection!.Scope.Matches(envelope.Key))
                Carry(message, scope, FaultKinds.Drop, "lost envelope");
    }

    private void Carry(BusMessage message, Subscription to, FaultKinds drop, string lost)
    {
        if (world.IsStruck(drop, host.Random))
        {
            world.Coverage.Add(lost);
            return;
        }
        var due = world.Schedule.Now + (world.IsStruck(FaultKinds.Delay, host.Random)
            ? host.Random.Between(1, 400) : host.Random.Between(0.1, 4));
        Deliver(to.Behind(due), message, to);
        if (!world.IsStruck(FaultKinds.Duplicate, host.Random)) return;
        world.Coverage.Add("duplicate delivered");
        Deliver(world.Schedule.Now + host.Random.Between(1, 300), message, to);
    }

    private void Deliver(TimeSpan due, BusMessage message, Subscription to)
    {
        var epoch = Epoch;
        world.Schedule.At(due, () =>
        {
            if (epoch != Epoch || IsDeaf) return;
            if (host.IsPaused && ++_backlog > BacklogMax)
            {
                world.Coverage.Add("slow consumer dropped by the broker");
                Cut();
                return;
            }
            host.Enter(() =>
            {
                _backlog = 0;
                if (epoch == Epoch) to.Mail.Post(message);
            });
        });
    }

    private void Receive(SyncedKey key, Envelope envelope)
    {
        host.Receive(key, envelope);
        // A hostile or broken peer puts an envelope on a subject that is not its own.
        if (world.IsStruck(FaultKinds.Misroute, host.Random)) host.Misrouted(envelope);
    }

    private sealed class Subscription(CollectionDriver? collection, Mailbox mail)
    {
        private TimeSpan _last;

        public CollectionDriver? Collection => collection;

        public Mailbox Mail => mail;

        public TimeSpan Behind(TimeSpan due) => _last = due > _last ? due : _last + TimeSpan.FromTicks(1);
    }
}
