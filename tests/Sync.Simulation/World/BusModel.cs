using Sync.Contracts;

namespace Sync.Simulation;

/// <summary>One envelope or beat on its way.</summary>
internal readonly record struct BusMessage(Envelope? Envelope, Beat? Beat);

/// <summary>The broker: takes what writers' connections bring, hands it to the connections of hosts, keeps
/// nothing.</summary>
internal sealed class BusModel(World world)
{
    private readonly List<HostLink> _hosts = [];

    public List<WriterLink> Writers { get; } = [];

    public void Add(HostLink link) => _hosts.Add(link);

    public void Remove(HostLink link) => _hosts.Remove(link);

    public void Take(BusMessage message)
    {
        if (message.Envelope is { } envelope)
        {
            world.Ledger.Of(envelope.History).Published.Add((envelope.Feed, envelope.Position));
            var fact = world.Ledger.Of(envelope.History).At(envelope.Feed, envelope.Position);
            Violation.Unless(fact is not null && fact.Id == envelope.Id, Invariants.Durable,
                () => $"{envelope.Key} at {envelope.Position} was published, and is not in the ledger");
        }
        foreach (var host in _hosts) host.Carry(message);
    }

    /// <summary>A broker that restarts loses everything that is on its way.</summary>
    public void Restart()
    {
        foreach (var link in Writers) link.Cut();
        foreach (var link in _hosts) link.Cut();
    }

    public void Connect()
    {
        foreach (var link in Writers) link.Connect();
        foreach (var link in _hosts) link.Connect();
    }
}

/// <summary>A writer's connection: in order, and all that is under way is lost when it is cut.</summary>
internal sealed class WriterLink(World world)
{
    private TimeSpan _last;

    public long Epoch { get; private set; } = 1;

    public bool IsUp { get; private set; } = true;

    public bool TryPublish(BusMessage message)
    {
        if (!IsUp) return false;
        var epoch = Epoch;
        world.Schedule.At(Due(), () =>
        {
            if (epoch == Epoch) world.Bus.Take(message);
        });
        return true;
    }

    /// <summary>A PING behind everything published before it; false when the connection was cut meanwhile.</summary>
    public void Flush(Action<bool> done)
    {
        var epoch = Epoch;
        if (!IsUp) done(false);
        else world.Schedule.At(Due(),
            () => world.Schedule.After(world.Random.Between(0.1, 2), () => done(epoch == Epoch)));
    }

    public void Cut()
    {
        if (!IsUp) return;
        (IsUp, Epoch) = (false, Epoch + 1);
        world.Schedule.After(world.Random.Between(5, 400), Connect);
    }

    public void Connect() => IsUp = true;

    private TimeSpan Due()
    {
        var due = world.Schedule.Now + (world.Strikes(FaultKinds.Delay) ? world.Random.Between(1, 150)
            : world.Random.Between(0.1, 3));
        return _last = due > _last ? due : _last + TimeSpan.FromTicks(1);
    }
}

/// <summary>A host's connection: in order for each key and for the beats, in any order between them.</summary>
internal sealed class HostLink(World world, HostDriver host)
{
    private readonly Dictionary<SyncedKey, TimeSpan> _last = [];
    private readonly HashSet<SyncedKey> _subscribed = [];
    private TimeSpan _lastBeat;
    private long _epoch = 1;

    public bool IsUp { get; private set; } = true;

    public void Subscribe(SyncedKey key) => _subscribed.Add(key);

    public void Unsubscribe(SyncedKey key) => _subscribed.Remove(key);

    public void Cut()
    {
        if (!IsUp) return;
        (IsUp, _epoch) = (false, _epoch + 1);
        world.Schedule.After(world.Random.Between(5, 400), Connect);
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
        if (!IsUp || (message.Envelope is { } envelope && !_subscribed.Contains(envelope.Key))) return;
        if (world.Strikes(message.Beat is null ? FaultKinds.Drop : FaultKinds.DropBeats))
        {
            world.Coverage.Add(message.Beat is null ? "lost envelope" : "lost beat");
            return;
        }
        Deliver(Due(message), message);
        if (!world.Strikes(FaultKinds.Duplicate)) return;
        world.Coverage.Add("duplicate delivered");
        Deliver(world.Schedule.Now + world.Random.Between(1, 300), message);
    }

    private TimeSpan Due(BusMessage message)
    {
        var due = world.Schedule.Now + (world.Strikes(FaultKinds.Delay) ? world.Random.Between(1, 400)
            : world.Random.Between(0.1, 4));
        if (message.Envelope is not { } envelope) return _lastBeat = Behind(due, _lastBeat);
        return _last[envelope.Key] = Behind(due, _last.GetValueOrDefault(envelope.Key));
    }

    private void Deliver(TimeSpan due, BusMessage message)
    {
        var epoch = _epoch;
        world.Schedule.At(due, () =>
        {
            if (epoch != _epoch) return;
            if (message.Beat is { } beat) host.Enter(() => host.Receive(beat));
            else Deliver(message.Envelope!);
        });
    }

    private void Deliver(Envelope envelope)
    {
        if (world.Strikes(FaultKinds.Overflow))
        {
            world.Coverage.Add("lost envelope");
            host.Enter(() => host.Overflowed(envelope.Key));
            return;
        }
        host.Enter(() => host.Receive(envelope.Key, envelope));
        // A hostile or broken peer puts an envelope on a subject that is not its own.
        if (world.Strikes(FaultKinds.Misroute)) host.Enter(() => host.Receive(world.Random.Pick(world.Keys), envelope));
    }

    private static TimeSpan Behind(TimeSpan due, TimeSpan last) => due > last ? due : last + TimeSpan.FromTicks(1);
}
