namespace Sync.Nats;

/// <summary>What a publish does while the connection is down and the buffer of unsent publishes is full.</summary>
public enum NatsPendingPolicy
{
    /// <summary>Waits, first come first served, up to <see cref="NatsOpts.PublishTimeout"/>.</summary>
    Wait,

    /// <summary>Is dropped and counted in <see cref="NatsStatistics.PublishesDiscarded"/>; the call succeeds.</summary>
    Discard,

    /// <summary>Fails at once with <see cref="NatsError.PendingFull"/>.</summary>
    Fail,
}
