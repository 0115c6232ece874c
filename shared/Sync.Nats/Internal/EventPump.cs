using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Sync.Nats.Internal;

/// <summary>Raises events in order on a task of its own, so that no handler can hold up the connection. Bounded at
/// 1,024: beyond that the oldest event is dropped and counted. A handler that throws is counted and logged.</summary>
internal sealed class EventPump
{
    private readonly Channel<Action> _events;
    private readonly Counters _counters;
    private readonly ILogger _log;
    private readonly Task _loop;

    public EventPump(Counters counters, ILogger log)
    {
        (_counters, _log) = (counters, log);
        _events = Channel.CreateBounded<Action>(
            new BoundedChannelOptions(1024) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true },
            _ => counters.EventDropped());
        _loop = Task.Run(RunAsync);
    }

    public void Post(Action raise) => _events.Writer.TryWrite(raise);

    /// <summary>No more events; what was posted is still raised, in the background.</summary>
    public Task CompleteAsync()
    {
        _events.Writer.TryComplete();
        return _loop;
    }

    private async Task RunAsync()
    {
        await foreach (var raise in _events.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            try
            {
                raise();
            }
            catch (Exception e)
            {
                _counters.CallbackError();
                _log.EventHandlerThrew(e);
            }
        }
    }
}
