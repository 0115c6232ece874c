using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Sync.Hosting;

/// <summary>The life of a service process: build, start, wait for the signal, stop, exit code.</summary>
public static class ServiceRun
{
    /// <summary>Runs until SIGTERM, Ctrl-C or <see cref="ProcessEnd"/>. What a person must change is one line on the
    /// error stream and an exit code, never a stack trace.</summary>
    /// <param name="build">Makes the application; throws <see cref="StartupException"/> for a wrong setting.</param>
    /// <param name="listenSetting">The setting that names the listening addresses, for the message when one is
    /// taken.</param>
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    public static async Task<int> RunAsync(Func<WebApplication> build, string listenSetting)
    {
        ArgumentNullException.ThrowIfNull(build);
        try
        {
            var app = build();
            await using (app.ConfigureAwait(false))
            {
                await app.StartAsync().ConfigureAwait(false);
                await app.WaitForShutdownAsync().ConfigureAwait(false);
                return app.Services.GetService<ProcessEnd>()?.ExitCode ?? ExitCodes.Ok;
            }
        }
        catch (StartupException refusal)
        {
            return Refuse(refusal.ExitCode, refusal.Message);
        }
        catch (IOException taken) when (taken.InnerException is AddressInUseException)
        {
            return Refuse(ExitCodes.Unavailable,
                $"{taken.Message} Stop what listens there, or change {listenSetting}.");
        }
    }

    private static int Refuse(int code, string line)
    {
        Console.Error.WriteLine(line);
        return code;
    }
}
