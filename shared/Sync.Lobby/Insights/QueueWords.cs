using Sync.Contracts;

namespace Sync.Lobby.Insights;

/// <summary>The source collection of one shard: what is read once and derived from.</summary>
/// <param name="Vault">The shard vault.</param>
/// <param name="Collection">The collection.</param>
public readonly record struct ShardSource(string Vault, string Collection);

/// <summary>Asks for the derivation of a shard.</summary>
/// <param name="Vault">The shard vault: what of the same vault is asked for is carried out one by one.</param>
/// <param name="Collection">The source collection.</param>
/// <param name="Ticket">Tells this request from earlier ones for the same shard.</param>
public sealed record DeriveShard(string Vault, string Collection, long Ticket)
{
    internal ShardSource Shard => new(Vault, Collection);
}

/// <summary>Where a shard that is not settled stands.</summary>
public enum ShardState
{
    /// <summary>In the queue.</summary>
    Ready,

    /// <summary>Handed out.</summary>
    Running,

    /// <summary>Failed, will be tried again soon.</summary>
    Waiting,

    /// <summary>A dead letter for a passing reason, tried on at a slow pace.</summary>
    Parked,

    /// <summary>A dead letter until it changes or is replayed.</summary>
    Dead,
}

/// <summary>A shard that could not be derived.</summary>
/// <param name="Shard">Vault and collection.</param>
/// <param name="Failures">By derivation, of the last attempt.</param>
/// <param name="Attempts">Since its last change.</param>
/// <param name="Since">When it became one.</param>
public sealed record DeadLetter(ShardSource Shard, IReadOnlyList<DerivationFailure> Failures, int Attempts, Timestamp Since);

/// <summary>Carries requests to derive from the runner to whoever carries them out, by
/// <see cref="InsightRunner.DeriveAsync"/>. What is handed over may be lost with the process: the runner compares
/// everything anew when it starts.</summary>
public interface IDeriveQueue
{
    /// <summary>Hands a request over; at most <see cref="InsightOptions.InFlightMax"/> are under way.</summary>
    Task SendAsync(DeriveShard message, CancellationToken cancellation);
}
