using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Sync.Contracts;

namespace Sync.Transport;

/// <summary>Where hosts get their bus, without knowing what carries it.</summary>
public static class SyncBus
{
    /// <summary>Connects to the broker. The bus then keeps the connection alive until it is disposed.</summary>
    /// <param name="options">Checked first.</param>
    /// <param name="loggers">Null = nowhere.</param>
    /// <param name="time">Clock of time-outs; null = the system's.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="SyncException"><see cref="SyncErrorCode.BusUnavailable"/>: no server answers, or none lets us in;
    /// <see cref="SyncErrorCode.Invalid"/>: an option.</exception>
    public static async ValueTask<IBus> ConnectAsync(
        BusOptions options, ILoggerFactory? loggers = null, TimeProvider? time = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        var bus = new NatsBus(options, loggers ?? NullLoggerFactory.Instance, time ?? TimeProvider.System);
        try
        {
            await bus.ConnectAsync(cancellation).ConfigureAwait(false);
            return bus;
        }
        catch
        {
            await bus.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }
}
