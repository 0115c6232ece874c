using System.CommandLine;
using System.Text.Json;
using Sync.Contracts;

namespace Sync.Cli;

/// <summary>Runs a command and turns what goes wrong into one clear line and an exit code.</summary>
internal static class Run
{
    public static async Task<int> GuardAsync(ParseResult parsed, Func<Connection, Task<int>> command)
    {
        Connection? connection = null;
        try
        {
            connection = Connection.From(parsed);
            return await command(connection);
        }
        catch (OperationCanceledException)
        {
            return Fail(connection, "interrupted", ExitCode.Interrupted);
        }
        catch (SyncException error)
        {
            var code = error.Code switch
            {
                SyncErrorCode.Invalid => ExitCode.BadCall,
                SyncErrorCode.BusUnavailable or SyncErrorCode.NoAnswer or SyncErrorCode.NoResponder
                    or SyncErrorCode.LedgerUnavailable => ExitCode.Unreachable,
                _ => ExitCode.Wrong,
            };
            var hint = error.Code == SyncErrorCode.BusUnavailable ? $"; is the broker running at {connection?.Nats}?" : "";
            return Fail(connection, error.Message + hint, code);
        }
        catch (JsonException)
        {
            return Fail(connection, $"what answers at {connection?.Writer} is not a Sync writer; is the address right?", ExitCode.Wrong);
        }
        catch (Exception error)
        {
            // A stack trace helps nobody who types a command.
            return Fail(connection, error.Message, ExitCode.Wrong);
        }
    }

    public static int Fail(Connection? connection, string message, int code)
    {
        if (connection is { Json: true }) Output.Json(json => json.WriteString("error", message));
        else Console.Error.WriteLine("sync: " + message.ReplaceLineEndings(" "));
        return code;
    }
}
