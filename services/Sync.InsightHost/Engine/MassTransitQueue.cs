using MassTransit;
using Sync.Lobby.Insights;

namespace Sync.InsightHost.Engine;

/// <summary>Asks for the derivation of a shard, as MassTransit carries it.</summary>
/// <param name="Group">The group, which names the runner.</param>
/// <param name="Vault">The shard vault.</param>
/// <param name="Collection">The source collection.</param>
/// <param name="Ticket">As <see cref="DeriveShard.Ticket"/>.</param>
public sealed record DeriveCommand(string Group, string Vault, string Collection, long Ticket);

/// <summary>Carries shards to derive over MassTransit's in-memory transport. Its queue holds at most what is handed out
/// at a time, so it is bounded. What it holds is gone with the process; the next start compares every shard with its
/// summary.</summary>
internal sealed class MassTransitQueue(MassTransit.IBus bus, string group) : IDeriveQueue
{
    /// <summary>The queue's name.</summary>
    public const string Name = "derive-shard";

    private static readonly Uri Address = new("queue:" + Name);

    public async Task SendAsync(DeriveShard message, CancellationToken cancellation)
    {
        var endpoint = await bus.GetSendEndpoint(Address);
        await endpoint.Send(new DeriveCommand(group, message.Vault, message.Collection, message.Ticket), cancellation);
    }
}

/// <summary>Carries one command out. It never fails: what becomes of the shard goes to the runner, which retries
/// without holding up this queue and keeps the dead letters.</summary>
internal sealed class DeriveConsumer(InsightEngine engine) : IConsumer<DeriveCommand>
{
    public Task Consume(ConsumeContext<DeriveCommand> context)
    {
        var command = context.Message;
        return engine.DeriveAsync(
            command.Group, new DeriveShard(command.Vault, command.Collection, command.Ticket), context.CancellationToken);
    }
}
