using Sync.Contracts;

namespace Sync.Simulation;

/// <summary>One envelope or beat on its way.</summary>
internal readonly record struct BusMessage(Envelope? Envelope, Beat? Beat)
{
    /// <summary>True when a mailbox that overflows keeps only the newer of the two.</summary>
    public bool IsOfSameKeyAs(BusMessage other) => Envelope is { } envelope
        ? other.Envelope is { } same && same.Key == envelope.Key
        : other.Beat is { } beat && beat.Feed == Beat!.Feed;
}

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
            var view = world.Ledger.Of(envelope.History);
            view.Published.Add((envelope.Feed, envelope.Position));
            var fact = view.At(envelope.Feed, envelope.Position);
            if (fact is null || fact.Id != envelope.Id)
                throw new Violation(Invariants.Durable,
                    $"{envelope.Key} at {envelope.Position} was published, and is not in the ledger");
        }
        foreach (var host in _hosts) host.Carry(message);
    }

    /// <summary>A broker that restarts loses everything that is on its way.</summary>
    public void Restart()
    {
        foreach (var link in Writers) link.Cut();
        foreach (var link in _hosts) link.Cut();
    }

    public void Connect(HostDriver? but)
    {
        foreach (var link in Writers) link.Connect();
        foreach (var link in _hosts)
            if (link.Host != but) link.Connect();
    }
}

/// <summary>A writer's connection: in order, and all that is under way is lost when it is cut.</summary>
internal sealed class WriterLink(World world, SimRandom random)
{
    private TimeSpan _last;
    private bool _isMute;

    public long Epoch { get; private set; } = 1;

    public bool IsUp { get; private set; } = true;

    /// <summary>True while what it sends arrives.</summary>
    public bool Arrives => IsUp && !_isMute;

    public bool TryPublish(BusMessage message)
    {
        if (!IsUp) return false;
        if (_isMute) return true;
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
        else if (_isMute) _unanswered.Add(done);
        else world.Schedule.At(Due(),
            () => world.Schedule.After(random.Between(0.1, 2), () => done(epoch == Epoch)));
    }

    /// <summary>What it sends from now on gets lost; after a while it notices that nobody answers.</summary>
    public void Mute()
    {
        if (_isMute || !IsUp) return;
        _isMute = true;
        world.Schedule.After(random.Between(20, 900), Cut);
    }

    public void Cut()
    {
        if (!IsUp) return;
        (IsUp, Epoch, _isMute) = (false, Epoch + 1, false);
        foreach (var done in _unanswered) world.Schedule.After(TimeSpan.Zero, () => done(false));
        _unanswered.Clear();
        world.Schedule.After(random.Between(5, 400), Connect);
    }

    public void Connect()
    {
        if (_isMute) Cut();
        IsUp = true;
    }

    private readonly List<Action<bool>> _unanswered = [];

    private TimeSpan Due()
    {
        var due = world.Schedule.Now + (world.IsStruck(FaultKinds.Delay, random) ? random.Between(1, 150)
            : random.Between(0.1, 3));
        return _last = due > _last ? due : _last + TimeSpan.FromTicks(1);
    }
}
