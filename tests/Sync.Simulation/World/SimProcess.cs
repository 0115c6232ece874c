namespace Sync.Simulation;

/// <summary>Something that can be killed for good, or stopped and continued: while it is stopped, what reaches it waits
/// in order. It draws from a stream of its own, so that what befalls others does not change what it draws.</summary>
internal abstract class SimProcess(World world, string name)
{
    private readonly Queue<Action> _held = [];

    public bool IsDead { get; private set; }

    public bool IsPaused { get; private set; }

    public World World => world;

    public SimRandom Random { get; } = world.RandomOf(name);

    public void Enter(Action act)
    {
        if (IsDead) return;
        if (IsPaused) _held.Enqueue(act);
        else act();
    }

    public void After(TimeSpan delay, Action act) => world.Schedule.After(delay, () => Enter(act));

    public virtual void Kill() => IsDead = true;

    public void Pause() => IsPaused = true;

    public void Resume()
    {
        IsPaused = false;
        while (!IsDead && !IsPaused && _held.TryDequeue(out var act)) act();
    }
}
